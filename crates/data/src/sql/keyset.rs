//! The rows behind a cursor, as conditions that an index can seek to: pieces, because the OR of them is a full scan.

use super::list::SortKey;
use super::plan::Text;
use sea_orm::DbBackend;
use sea_orm::sea_query::{Cond, ExprTrait};

/// A piece: rows that follow each other in the sort's order.
pub(crate) struct Arm {
    /// Which rows.
    pub rows: Cond,
    /// So many keys, from the first, have one value in all of them.
    pub fixed: usize,
}

/// The pieces in the order of the sort: nulls first ascending, last descending. `nulls` tells which of the cursor's
/// values are null.
pub(crate) fn arms(sort: &[SortKey<'_>], nulls: &[bool], backend: DbBackend) -> Vec<Arm> {
    let is_null = |i: usize| nulls.get(i) == Some(&true);
    let mut arms = Vec::new();
    let mut at = 0;
    // Begun at the first key, where the last rows are: turned round at the end.
    while let Some(key) = sort.get(at) {
        let mut push = |cond: Cond, fixed: usize| {
            arms.push(Arm {
                rows: equal(sort, at, nulls, backend).add(cond),
                fixed,
            });
        };
        if is_null(at) {
            // Descending, nulls are the last: nothing comes after them by this key.
            if !key.descending {
                push(Cond::all().add(key.expr().is_not_null()), at);
            }
            at += 1;
            continue;
        }
        if key.descending && key.nullable() {
            push(Cond::all().add(key.expr().is_null()), at + 1);
        }
        // Keys of one direction are compared at once, as a row value. Ascending, rows with a null come before the cursor
        // and the comparison leaves them out; descending, they come after it and must be a piece of their own.
        let end = (at + 1..sort.len())
            .find(|i| {
                let next = sort.get(*i);
                is_null(*i)
                    || next.is_none_or(|next| {
                        next.descending != key.descending || (next.descending && next.nullable())
                    })
            })
            .unwrap_or(sort.len());
        push(beyond(sort, at..end, key.descending, backend), at);
        at = end;
    }
    arms.reverse();
    arms
}

/// The first `to` keys are those of the cursor.
fn equal(sort: &[SortKey<'_>], to: usize, nulls: &[bool], backend: DbBackend) -> Cond {
    let mut all = Cond::all();
    for (i, key) in sort.iter().enumerate().take(to) {
        all = all.add(if nulls.get(i) == Some(&true) {
            key.expr().is_null()
        } else {
            key.expr().eq(key.bound(i, backend))
        });
    }
    all
}

/// The keys of `of` are behind those of the cursor.
fn beyond(
    sort: &[SortKey<'_>],
    of: std::ops::Range<usize>,
    descending: bool,
    backend: DbBackend,
) -> Cond {
    let keys = sort.get(of.clone()).unwrap_or_default();
    let names: Vec<String> = keys.iter().map(SortKey::name).collect();
    let mut sql = Text::new(backend);
    sql.push("(")
        .push(&names.join(", "))
        .push(if descending { ") < (" } else { ") > (" });
    for (i, key) in of.clone().zip(keys) {
        if i > of.start {
            sql.push(", ");
        }
        sql.push_expr(key.bound(i, backend));
    }
    sql.push(")");
    Cond::all().add(sql.expr())
}
