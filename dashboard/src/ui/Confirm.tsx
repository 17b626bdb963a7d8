// One question before what cannot be undone: `if (await confirm({...}))`.

import { Button, Group, Modal, Stack, Text } from "@mantine/core";
import { createContext, type ReactNode, useCallback, useContext, useRef, useState } from "react";

interface Question {
	title: string;
	body: ReactNode;
	/** The word on the button that does it. */
	action: string;
	danger?: boolean;
}

const Context = createContext<(question: Question) => Promise<boolean>>(async () => false);

/** Asks, and resolves to what was answered. */
export const useConfirm = () => useContext(Context);

export function ConfirmProvider({ children }: { children: ReactNode }) {
	const [question, setQuestion] = useState<Question>();
	const [open, setOpen] = useState(false);
	const answer = useRef<(yes: boolean) => void>(undefined);
	const ask = useCallback((next: Question) => {
		setQuestion(next);
		setOpen(true);
		return new Promise<boolean>((resolve) => {
			answer.current = resolve;
		});
	}, []);
	const close = (yes: boolean) => {
		setOpen(false);
		answer.current?.(yes);
	};
	return (
		<Context value={ask}>
			{children}
			<Modal
				opened={open}
				onClose={() => close(false)}
				title={question?.title}
				closeButtonProps={{ "aria-label": "Close" }}
				zIndex={400}
			>
				<Stack>
					<Text component="div" size="sm">
						{question?.body}
					</Text>
					<Group justify="flex-end" gap="xs">
						<Button variant="default" onClick={() => close(false)}>
							Cancel
						</Button>
						<Button
							color={question?.danger ? "red.8" : undefined}
							onClick={() => close(true)}
							data-autofocus
						>
							{question?.action}
						</Button>
					</Group>
				</Stack>
			</Modal>
		</Context>
	);
}
