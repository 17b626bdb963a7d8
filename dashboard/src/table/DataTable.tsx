// The one table of the app: virtual rows, sorting, selection, hidden columns, and keys.

import { ActionIcon, Checkbox, Skeleton, UnstyledButton } from "@mantine/core";
import { IconArrowDown, IconArrowUp, IconChevronRight } from "@tabler/icons-react";
import {
	type ColumnDef,
	columnResizingFeature,
	columnSizingFeature,
	columnVisibilityFeature,
	tableFeatures,
	useTable,
} from "@tanstack/react-table";
import { useVirtualizer } from "@tanstack/react-virtual";
import { type KeyboardEvent, type ReactNode, useMemo, useRef, useState } from "react";
import classes from "./DataTable.module.css";

/** A column. */
export interface Column<T> {
	id: string;
	header: string;
	/** Pixels at first. */
	size?: number;
	sortable?: boolean;
	align?: "right";
	cell: (row: T) => ReactNode;
}

interface Props<T> {
	label: string;
	columns: readonly Column<T>[];
	rows: readonly T[];
	rowId: (row: T) => string;
	/** `name` or `-name`. */
	sort?: string;
	onSort?: (sort: string | undefined) => void;
	selected?: ReadonlySet<string>;
	onSelect?: (selected: ReadonlySet<string>) => void;
	hidden?: ReadonlySet<string>;
	onOpen?: (row: T) => void;
	/** What opening a row does, for those who hear it. */
	openLabel?: (row: T) => string;
	loading?: boolean;
	empty?: ReactNode;
	/** Grows to the page's height and scrolls in itself. */
	fill?: boolean;
	/** Called when the last rows come into sight. */
	onEnd?: () => void;
}

const features = tableFeatures({
	columnVisibilityFeature,
	columnSizingFeature,
	columnResizingFeature,
});
const ROW = 37;

export function DataTable<T extends object>(props: Props<T>) {
	const { columns, rows, rowId, sort, onSort, selected, onSelect, hidden, onOpen, loading } = props;
	const scroll = useRef<HTMLDivElement>(null);
	const [active, setActive] = useState(0);
	const anchor = useRef<number>(undefined);

	const defs = useMemo(
		() =>
			columns.map(
				(column): ColumnDef<typeof features, T> => ({
					id: column.id,
					header: column.header,
					size: column.size ?? 160,
					minSize: 60,
					cell: ({ row }) => column.cell(row.original),
				}),
			),
		[columns],
	);
	const columnVisibility = useMemo(
		() => Object.fromEntries([...(hidden ?? [])].map((id) => [id, false])),
		[hidden],
	);
	const table = useTable({
		features,
		columns: defs,
		data: rows as T[],
		getRowId: rowId,
		state: { columnVisibility },
		columnResizeMode: "onChange",
	});
	const model = table.getRowModel().rows;
	const virtual = useVirtualizer({
		count: model.length,
		getScrollElement: () => scroll.current,
		estimateSize: () => ROW,
		overscan: 12,
		initialRect: { width: 900, height: 600 },
		onChange: (it) => {
			const last = it.getVirtualItems().at(-1);
			if (last && last.index >= model.length - 5) props.onEnd?.();
		},
	});

	const isPicking = selected !== undefined && onSelect !== undefined;
	const toggle = (index: number, range: boolean) => {
		if (!isPicking) return;
		const next = new Set(selected);
		const id = model[index]?.id;
		if (id === undefined) return;
		const on = !next.has(id);
		const from = range && anchor.current !== undefined ? anchor.current : index;
		for (let i = Math.min(from, index); i <= Math.max(from, index); i++) {
			const each = model[i]?.id;
			if (each !== undefined) on ? next.add(each) : next.delete(each);
		}
		anchor.current = index;
		onSelect(next);
	};
	const go = (index: number) => {
		const next = Math.max(0, Math.min(model.length - 1, index));
		setActive(next);
		virtual.scrollToIndex(next);
		requestAnimationFrame(() => {
			scroll.current?.querySelector<HTMLElement>(`[data-index="${next}"]`)?.focus();
		});
	};
	const onKeyDown = (event: KeyboardEvent, index: number) => {
		if (event.target !== event.currentTarget) return;
		const moves: Record<string, number> = {
			ArrowDown: index + 1,
			ArrowUp: index - 1,
			PageDown: index + 15,
			PageUp: index - 15,
			Home: 0,
			End: model.length - 1,
		};
		const to = moves[event.key];
		if (to !== undefined) {
			event.preventDefault();
			go(to);
		} else if (event.key === "Enter" && onOpen) {
			event.preventDefault();
			const row = model[index];
			if (row) onOpen(row.original);
		} else if (event.key === " " && isPicking) {
			event.preventDefault();
			toggle(index, event.shiftKey);
		}
	};

	const sortedBy = sort?.replace(/^-/, "");
	const isDescending = sort?.startsWith("-") ?? false;
	const nextSort = (id: string) => {
		if (sortedBy !== id) return id;
		return isDescending ? undefined : `-${id}`;
	};
	const byId = new Map(columns.map((column) => [column.id, column]));
	const all = isPicking && model.length > 0 && model.every((row) => selected.has(row.id));
	const some = isPicking && !all && model.some((row) => selected.has(row.id));
	const extra = (isPicking ? 40 : 0) + (onOpen ? 40 : 0);
	const width = table.getTotalSize() + extra;
	const cell = (id: string, size: number) => ({
		className: classes.cell,
		style: { flex: `${size} 0 ${size}px` },
		"data-align": byId.get(id)?.align,
	});

	return (
		<div
			ref={scroll}
			className={classes.frame}
			data-fill={props.fill || undefined}
			data-empty={(!loading && rows.length === 0) || undefined}
			// Without rows there is nothing to focus, and it must still be scrolled by keys.
			{...(rows.length === 0 ? { tabIndex: 0, role: "region", "aria-label": props.label } : {})}
		>
			<div
				role="grid"
				aria-label={props.label}
				aria-rowcount={model.length + 1}
				aria-busy={loading || undefined}
				aria-multiselectable={isPicking || undefined}
				style={{ minWidth: width }}
			>
				<div role="rowgroup" className={classes.head}>
					<div role="row" className={classes.row} aria-rowindex={1}>
						{isPicking && (
							<div role="columnheader" className={classes.pick}>
								<Checkbox
									size="xs"
									checked={all}
									indeterminate={some}
									disabled={model.length === 0}
									aria-label="Select all on this page"
									onChange={() => onSelect(all ? new Set() : new Set(model.map((row) => row.id)))}
								/>
							</div>
						)}
						{table.getHeaderGroups()[0]?.headers.map((header) => {
							const column = byId.get(header.column.id);
							const isSorted = sortedBy === header.column.id;
							return (
								<div
									key={header.id}
									role="columnheader"
									{...cell(header.column.id, header.getSize())}
									aria-sort={isSorted ? (isDescending ? "descending" : "ascending") : undefined}
								>
									{column?.sortable && onSort ? (
										<UnstyledButton
											className={classes.sort}
											onClick={() => onSort(nextSort(header.column.id))}
										>
											<span className={classes.name}>{column.header}</span>
											{isSorted &&
												(isDescending ? (
													<IconArrowDown size={13} aria-hidden />
												) : (
													<IconArrowUp size={13} aria-hidden />
												))}
										</UnstyledButton>
									) : (
										<span className={classes.name}>{column?.header}</span>
									)}
									<div
										className={classes.resize}
										aria-hidden
										data-active={header.column.getIsResizing() || undefined}
										onMouseDown={header.getResizeHandler()}
										onTouchStart={header.getResizeHandler()}
										onDoubleClick={() => header.column.resetSize()}
									/>
								</div>
							);
						})}
						{onOpen && (
							<div role="columnheader" className={classes.open}>
								<span className={classes.unseen}>Open</span>
							</div>
						)}
					</div>
				</div>
				{loading && rows.length === 0 ? (
					<div className={classes.waiting} aria-hidden>
						{["a", "b", "c", "d", "e", "f", "g", "h"].map((key) => (
							<Skeleton key={key} height={12} radius="sm" />
						))}
					</div>
				) : (
					<div role="rowgroup" className={classes.body} style={{ height: virtual.getTotalSize() }}>
						{virtual.getVirtualItems().map(({ index, start }) => {
							const row = model[index];
							if (!row) return null;
							const isSelected = selected?.has(row.id);
							return (
								<div
									key={row.id}
									role="row"
									aria-rowindex={index + 2}
									aria-selected={isPicking ? isSelected : undefined}
									data-index={index}
									data-id={row.id}
									data-opens={onOpen ? true : undefined}
									tabIndex={index === Math.min(active, model.length - 1) ? 0 : -1}
									className={`${classes.row} ${classes.item}`}
									style={{ transform: `translateY(${start}px)` }}
									onFocus={() => setActive(index)}
									onKeyDown={(event) => onKeyDown(event, index)}
									onClick={(event) => {
										const inside = (event.target as HTMLElement).closest("a, button, input, label");
										if (!inside) onOpen?.(row.original);
									}}
								>
									{isPicking && (
										<div role="gridcell" className={classes.pick}>
											<Checkbox
												size="xs"
												tabIndex={-1}
												checked={isSelected ?? false}
												aria-label={`Select row ${index + 1}`}
												onChange={() => {}}
												onClick={(event) => toggle(index, event.shiftKey)}
											/>
										</div>
									)}
									{row.getVisibleCells().map((each) => (
										<div
											key={each.id}
											role="gridcell"
											{...cell(each.column.id, each.column.getSize())}
										>
											<div className={classes.inner}>
												<table.FlexRender cell={each} />
											</div>
										</div>
									))}
									{onOpen && (
										<div role="gridcell" className={classes.open}>
											<ActionIcon
												variant="subtle"
												c="dimmed"
												size="sm"
												tabIndex={-1}
												aria-label={props.openLabel?.(row.original) ?? `Open row ${index + 1}`}
												onClick={() => onOpen(row.original)}
											>
												<IconChevronRight size={15} />
											</ActionIcon>
										</div>
									)}
								</div>
							);
						})}
					</div>
				)}
			</div>
			{!loading && rows.length === 0 && <div className={classes.empty}>{props.empty}</div>}
		</div>
	);
}
