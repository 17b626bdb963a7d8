//! How large the compiled text becomes, computed before it is compiled.

use crate::tree::{
    Cond, CondKind, FieldRef, Guard, Hop, Link, List, PairsRef, Quantifier, Size, Source, Test,
    TextTest, Value, ValueKind,
};

pub(super) fn of_cond(cond: &Cond, hops: &[Hop]) -> Size {
    let sum = |terms: &[Cond]| {
        terms.iter().map(|term| of_cond(term, hops)).fold(
            Size {
                truth: 0,
                falsity: 0,
            },
            |sum, size| Size {
                truth: sum.truth.saturating_add(size.truth),
                falsity: sum.falsity.saturating_add(size.falsity),
            },
        )
    };
    match &cond.kind {
        CondKind::Const(_) => Size {
            truth: 1,
            falsity: 1,
        },
        CondKind::Not(inner) => {
            let size = of_cond(inner, hops);
            Size {
                truth: size.falsity,
                falsity: size.truth,
            }
        }
        CondKind::And(terms) | CondKind::Or(terms) => sum(terms),
        CondKind::If(three) => {
            let [c, a, b] = three.as_ref();
            let (c, a, b) = (of_cond(c, hops), of_cond(a, hops), of_cond(b, hops));
            let both = c.truth.saturating_add(c.falsity);
            Size {
                truth: both.saturating_add(a.truth).saturating_add(b.truth),
                falsity: both.saturating_add(a.falsity).saturating_add(b.falsity),
            }
        }
        CondKind::Atom { hops: used, test } => {
            let size = of_test(test, hops).saturating_add(of_hops(used, hops));
            Size {
                truth: size,
                falsity: size,
            }
        }
        CondKind::Quantified(quantified) => {
            let body = of_cond(&quantified.body, hops);
            let rows = of_source(&quantified.source)
                .saturating_add(of_hops(&quantified.hops, hops))
                .saturating_add(1);
            match quantified.quantifier {
                Quantifier::Exists | Quantifier::All => Size {
                    truth: body.truth.saturating_add(rows),
                    falsity: body.falsity.saturating_add(rows),
                },
                Quantifier::ExistsOne => {
                    let size = body
                        .truth
                        .saturating_mul(2)
                        .saturating_add(body.falsity)
                        .saturating_add(rows.saturating_mul(2));
                    Size {
                        truth: size,
                        falsity: size,
                    }
                }
            }
        }
    }
}

fn of_hops(used: &[usize], hops: &[Hop]) -> u64 {
    let used = used.iter().filter_map(|hop| hops.get(*hop));
    used.fold(0u64, |sum, hop| {
        sum.saturating_add(of_guard(&hop.guard))
            .saturating_add(of_field(&hop.base))
            .saturating_add(1)
    })
}

fn of_test(test: &Test, hops: &[Hop]) -> u64 {
    let value = |value| of_value(value, hops);
    match test {
        Test::In {
            value: needle,
            list: List::Items(items),
        } => items
            .iter()
            .map(|item| value(item).saturating_mul(2).saturating_add(value(needle)))
            .fold(1, u64::saturating_add),
        Test::In {
            value: needle,
            list: List::Pairs(list),
        } => value(needle).saturating_add(of_pairs(list)),
        // A distance is also compared by its latitudes.
        Test::Compare(_, a, b) => value(a).saturating_add(value(b)).saturating_mul(2),
        // The end of a text is compared after its length is, each with its own copies.
        Test::Text {
            how: TextTest::EndsWith | TextTest::StartsWith,
            value: text,
            part,
        } => value(text).saturating_add(value(part)).saturating_mul(3),
        test => test
            .values()
            .into_iter()
            .map(value)
            .fold(1, u64::saturating_add),
    }
}

pub(super) fn of_value(value: &Value, hops: &[Hop]) -> u64 {
    let parts = value
        .parts()
        .into_iter()
        .map(|part| of_value(part, hops))
        .fold(0, u64::saturating_add);
    match &value.kind {
        ValueKind::Field(field) => of_field(field),
        ValueKind::Calm(_) | ValueKind::Ranged(..) => parts.saturating_mul(3),
        ValueKind::Inside(..) => parts.saturating_mul(5),
        ValueKind::Part(_, Some(_), _) => parts.saturating_mul(3),
        ValueKind::Truth(cond) | ValueKind::If(cond, _) => {
            let size = of_cond(cond, hops);
            parts
                .saturating_add(size.truth)
                .saturating_add(size.falsity)
        }
        ValueKind::Count(source) => of_source(source).saturating_add(1),
        _ => parts.saturating_add(1),
    }
}

fn of_field(field: &FieldRef) -> u64 {
    field
        .mask
        .as_ref()
        .map_or(1, |rule| rule.size.truth.saturating_add(1))
}

fn of_source(source: &Source) -> u64 {
    let link = match &source.link {
        Link::All => 0,
        Link::Back { there, here } => of_field(there).saturating_add(of_field(here)),
        Link::Pairs { list, .. } => of_pairs(list),
        Link::Listing { list, here } => of_pairs(list).saturating_add(of_field(here)),
    };
    of_guard(&source.guard).saturating_add(link)
}

fn of_pairs(list: &PairsRef) -> u64 {
    of_field(&list.field).saturating_add(3)
}

fn of_guard(guard: &Guard) -> u64 {
    match guard {
        Guard::Open | Guard::Closed => 1,
        Guard::Rule(rule) => rule.size.truth,
    }
}
