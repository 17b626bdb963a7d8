// Sends a form, and puts the faults that the server names at their inputs.

import type { UseFormReturnType } from "@mantine/form";
import { useMutation } from "@tanstack/react-query";
import { asProblem, messagesByField } from "../api/problem";

interface Options<V, R> {
	send: (values: V) => Promise<R>;
	done: (result: R, values: V) => void | Promise<void>;
	/** From the name of a fault to the input that shows it, where they differ. */
	rename?: (name: string) => string;
}

/** A mutation that fills the form's errors. Faults without an input stay in the mutation's error. */
export function useSubmit<V extends Record<string, unknown>, R>(
	form: UseFormReturnType<V>,
	{ send, done, rename = (name) => name }: Options<V, R>,
) {
	return useMutation({
		mutationFn: send,
		onSuccess: done,
		onError: (error) => {
			const messages = messagesByField(asProblem(error).errors);
			form.setErrors(
				Object.fromEntries(Object.entries(messages).map(([name, text]) => [rename(name), text])),
			);
		},
	});
}
