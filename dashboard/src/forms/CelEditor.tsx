// The editor of expressions: colours, offers, and the compiler's faults where they are.

import {
	acceptCompletion,
	autocompletion,
	type CompletionContext,
	closeBrackets,
	closeBracketsKeymap,
	closeCompletion,
	completionKeymap,
	completionStatus,
	moveCompletionSelection,
} from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import {
	bracketMatching,
	HighlightStyle,
	StreamLanguage,
	syntaxHighlighting,
} from "@codemirror/language";
import { setDiagnostics } from "@codemirror/lint";
import { Annotation, Compartment, EditorState, Prec } from "@codemirror/state";
import { EditorView, placeholder as hint, keymap } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { type RefObject, useEffect, useLayoutEffect, useRef } from "react";
import { nonce } from "../ui/nonce";
import classes from "./CelEditor.module.css";
import type { CelInputProps, Held } from "./CelInput";

const language = StreamLanguage.define({
	name: "cel",
	token(stream) {
		if (stream.eatSpace()) return null;
		if (stream.match(/^(["'])(?:\\.|(?!\1).)*\1?/)) return "string";
		if (stream.match(/^\d+(\.\d+)?([eE][+-]?\d+)?/)) return "number";
		if (stream.match(/^(true|false|null)\b/)) return "atom";
		if (stream.match(/^in\b/)) return "keyword";
		if (stream.match(/^(auth|record|next|request|now|params)\b/)) return "keyword";
		if (stream.match(/^[A-Za-z_]\w*(?=\()/)) return "function";
		if (stream.match(/^[A-Za-z_]\w*/)) return "variableName";
		if (stream.match(/^[=!<>&|+\-*/%?:]+/)) return "operator";
		stream.next();
		return null;
	},
	tokenTable: { function: tags.function(tags.variableName) },
});

const colours = HighlightStyle.define([
	{ tag: tags.string, class: classes.string },
	{ tag: tags.number, class: classes.number },
	{ tag: tags.atom, class: classes.number },
	{ tag: tags.keyword, class: classes.keyword },
	{ tag: tags.function(tags.variableName), class: classes.function },
	{ tag: tags.operator, class: classes.operator },
]);

/** Takes the chosen name, or the first where none is chosen. */
function takeFirst(view: EditorView): boolean {
	if (acceptCompletion(view)) return true;
	if (completionStatus(view.state) !== "active") return false;
	moveCompletionSelection(true)(view);
	return acceptCompletion(view);
}

/** Marks a change that came from outside. */
const given = Annotation.define<boolean>();

interface Props extends CelInputProps {
	describedBy?: string;
	/** The selection in the input whose place this takes, where that has the focus. */
	held: RefObject<Held>;
}

export default function CelEditor(props: Props) {
	const place = useRef<HTMLDivElement>(null);
	const view = useRef<EditorView>(undefined);
	const settings = useRef(new Compartment());
	// The editor outlives renders: it reads what is newest.
	const latest = useRef(props);
	latest.current = props;
	const { held } = props;
	const isLine = props.onEnter !== undefined;
	// What was typed and has not come back as `value` yet: a value among it is an echo, not another text.
	const typed = useRef<string[]>([]);

	// In the same turn in which the plain input goes: a key in between would be nobody's.
	useLayoutEffect(() => {
		if (!place.current) return;
		const complete = (context: CompletionContext) => {
			const word = context.matchBefore(/[\w.]*/);
			if (!word || (word.from === word.to && !context.explicit)) return null;
			const dot = word.text.lastIndexOf(".");
			const isMember =
				dot >= 0 && !latest.current.names.some(({ name }) => name.startsWith(word.text));
			return {
				from: isMember ? word.from + dot + 1 : word.from,
				options: latest.current.names
					.filter(({ kind }) => !isMember || kind === "function")
					.map(({ name, kind, detail, insert }) => ({
						label: name,
						type: kind,
						detail,
						apply: insert,
					})),
				validFor: /^[\w.]*$/,
			};
		};
		const editor = new EditorView({
			parent: place.current,
			state: EditorState.create({
				doc: latest.current.value,
				extensions: [
					EditorView.cspNonce.of(nonce),
					history(),
					bracketMatching(),
					closeBrackets(),
					language,
					syntaxHighlighting(colours),
					// In a line Enter sends; a name is taken by Tab, or by Enter after an arrow.
					autocompletion({ override: [complete], icons: false, selectOnOpen: !isLine }),
					isLine
						? EditorState.transactionFilter.of((change) =>
								change.newDoc.lines > 1
									? [
											{
												changes: {
													from: 0,
													to: change.startState.doc.length,
													insert: change.newDoc.toString().replace(/\s*\n\s*/g, " "),
												},
											},
										]
									: change,
							)
						: EditorView.lineWrapping,
					Prec.high(
						keymap.of([
							{ key: "Tab", run: takeFirst },
							...(isLine
								? [
										{
											key: "Enter",
											run: (at: EditorView) => {
												if (acceptCompletion(at)) return true;
												closeCompletion(at);
												latest.current.onEnter?.();
												return true;
											},
										},
									]
								: []),
						]),
					),
					keymap.of([
						...closeBracketsKeymap,
						...completionKeymap,
						...historyKeymap,
						...defaultKeymap,
					]),
					hint(latest.current.placeholder ?? ""),
					settings.current.of([]),
					EditorView.updateListener.of((update) => {
						if (!update.docChanged || update.transactions.some((it) => it.annotation(given)))
							return;
						const text = update.state.doc.toString();
						typed.current.push(text);
						latest.current.onChange(text);
					}),
				],
			}),
		});
		view.current = editor;
		if (held.current) {
			const length = editor.state.doc.length;
			const [anchor, head] = [held.current.from, held.current.to].map((at) => Math.min(at, length));
			editor.dispatch({ selection: { anchor: anchor ?? 0, head } });
			editor.focus();
			held.current = undefined;
		}
		return () => editor.destroy();
	}, [isLine, held]);

	useEffect(() => {
		const editor = view.current;
		if (!editor) return;
		const echo = typed.current.lastIndexOf(props.value);
		if (echo >= 0) {
			typed.current.splice(0, echo + 1);
		} else if (editor.state.doc.toString() !== props.value) {
			editor.dispatch({
				changes: { from: 0, to: editor.state.doc.length, insert: props.value },
				annotations: given.of(true),
			});
		}
	}, [props.value]);

	const { label, disabled, describedBy } = props;
	useEffect(() => {
		view.current?.dispatch({
			effects: settings.current.reconfigure([
				EditorView.editable.of(!disabled),
				EditorView.contentAttributes.of({
					"aria-label": label,
					tabindex: "0",
					...(describedBy ? { "aria-invalid": "true", "aria-describedby": describedBy } : {}),
				}),
			]),
		});
	}, [label, disabled, describedBy]);

	const { faults } = props;
	useEffect(() => {
		const editor = view.current;
		if (!editor) return;
		const length = editor.state.doc.length;
		const found = (faults ?? []).flatMap(({ message, from, to }) => {
			if (from === undefined || to === undefined || length === 0) return [];
			// A fault at the very end still needs a character to stand under.
			const start = Math.min(from, length - 1);
			return [
				{
					from: start,
					to: Math.min(Math.max(to, start + 1), length),
					message,
					severity: "error" as const,
				},
			];
		});
		editor.dispatch(setDiagnostics(editor.state, found));
	}, [faults]);

	return (
		<div
			className={classes.editor}
			data-line={isLine || undefined}
			data-invalid={describedBy !== undefined || undefined}
			data-disabled={disabled || undefined}
		>
			{props.leftSection && <span className={classes.left}>{props.leftSection}</span>}
			<div ref={place} className={classes.place} />
		</div>
	);
}
