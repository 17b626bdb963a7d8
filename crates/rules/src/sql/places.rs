//! The inside of json, and distances, in SQL.

use sea_orm::sea_query::{
    BinOper, CaseStatement, Expr, ExprTrait, Func, Query, SelectStatement, Value as Sql,
};

use super::values::{case, cast, collate_c, function_call};
use super::{Compiler, Frame, function, iden};
use crate::json::{NUMBER_MAX, Path};
use crate::syntax::Comparison;
use crate::tree::{Value, ValueKind};
use crate::value::Ty;
use kernel::geo::EARTH_RADIUS_M;

/// Metres of one degree of latitude, a little too few: what is nearer than some metres is within so many degrees.
const DEGREE_M: i32 = 111_000;

impl Compiler {
    /// What is at a path, if it is of that type.
    pub(super) fn inside(&self, json: Expr, path: &Path, ty: Ty) -> Expr {
        if self.postgres() {
            let found = self.postgres_at(json, path);
            let kind = function("jsonb_typeof", vec![found.clone()]);
            return postgres_as(found, kind, ty);
        }
        let (found, kind) = sqlite_at(json, path);
        match ty {
            Ty::Text => when(kind, &["text"], found),
            Ty::Bool => case(
                CaseStatement::new()
                    .case(kind.clone().eq("true"), Expr::Constant(1.into()))
                    .case(kind.eq("false"), Expr::Constant(0.into())),
            ),
            Ty::Float => when(kind, &["integer", "real"], self.calm_number(found)),
            _ => found,
        }
    }

    /// The items of one type of an array at a path, and whether there is an array.
    pub(super) fn items_inside(
        &mut self,
        array: &Value,
        alias: &str,
        frame: &Frame<'_>,
    ) -> (Expr, SelectStatement) {
        let mut items = Query::select();
        let ValueKind::Inside(json, path) = &array.kind else {
            return (super::constant(false), items);
        };
        let json = self.value(json, frame);
        let item = |column: &str| Expr::col((iden(alias), iden(column)));
        if self.postgres() {
            let found = self.postgres_at(json, path);
            let present = function("jsonb_typeof", vec![found.clone()]).eq("array");
            // The function fails on what is no array, and PostgreSQL may call it before it looks at `present`.
            let only = case(CaseStatement::new().case(present.clone(), found));
            let each = function_call("jsonb_array_elements", only);
            let kind = function("jsonb_typeof", vec![item("value")]);
            let value = postgres_as(item("value"), kind, array.ty);
            items.expr(value.clone()).from_function(each, iden(alias));
            items.and_where(value.is_not_null());
            (present, items)
        } else {
            let (_, kind) = sqlite_at(json.clone(), path);
            let each = Func::cust(iden("json_each")).args([json, Expr::value(path.sqlite())]);
            let value = match array.ty {
                Ty::Text => when(item("type"), &["text"], item("value")),
                Ty::Bool => when(item("type"), &["true", "false"], item("value")),
                _ => when(
                    item("type"),
                    &["integer", "real"],
                    self.calm_number(item("value")),
                ),
            };
            items.expr(value.clone()).from_function(each, iden(alias));
            items.and_where(value.is_not_null());
            (kind.eq("array"), items)
        }
    }

    fn postgres_at(&self, json: Expr, path: &Path) -> Expr {
        // The column may be json, which keeps the text.
        let json = cast(json, "jsonb");
        let path = cast(Expr::value(path.postgres()), "jsonpath");
        let no_names = cast(Expr::Constant("{}".into()), "jsonb");
        let silent = super::constant(true);
        let found = function("jsonb_path_query_first", vec![json, path, no_names, silent]);
        let null = cast(Expr::Constant("null".into()), "jsonb");
        function("nullif", vec![found, null])
    }

    /// A number of SQLite's within the range that is compared.
    fn calm_number(&self, number: Expr) -> Expr {
        let number = self.real(number);
        let size = || function("abs", vec![number.clone()]);
        let tiny = size().lt(Expr::value(1.0 / NUMBER_MAX));
        let usual = size().lte(Expr::value(NUMBER_MAX));
        let zero = self.real(Expr::Constant(0.into()));
        case(CaseStatement::new().case(tiny, zero).case(usual, number))
    }

    /// Metres between two points. The store gives SQLite the function; on PostgreSQL the steps of
    /// `kernel::geo::distance_m` are written out, each value once.
    pub(super) fn distance(&mut self, four: [Expr; 4]) -> Expr {
        if !self.postgres() {
            return function("galley_distance", four.to_vec());
        }
        let (inner, outer) = (self.alias(), self.alias());
        let names = ["lat_a", "lon_a", "lat_b", "lon_b"];
        let mut degrees = Query::select();
        for (value, name) in four.into_iter().zip(names) {
            degrees.expr_as(rounded(value, 1_000_000_000), iden(name));
        }
        let call = |name: &str, of: Expr| function(name, vec![of]);
        let at = |name: &str| Expr::col((iden(&inner), iden(name)));
        let half_sine = |a: &str, b: &str| {
            let difference = call("radians", at(b).binary(BinOper::Sub, at(a)));
            call(
                "sin",
                difference.binary(BinOper::Div, self.real(Expr::Constant(2.into()))),
            )
        };
        let cosine = |name: &str| call("cos", call("radians", at(name)));
        let mut sines = Query::select();
        sines
            .expr_as(half_sine("lat_a", "lat_b"), iden("north"))
            .expr_as(half_sine("lon_a", "lon_b"), iden("east"))
            .expr_as(
                cosine("lat_a").binary(BinOper::Mul, cosine("lat_b")),
                iden("narrow"),
            )
            .from_subquery(degrees, iden(&inner));
        let at = |name: &str| Expr::col((iden(&outer), iden(name)));
        let square = |name: &str| at(name).binary(BinOper::Mul, at(name));
        let half = square("north").binary(
            BinOper::Add,
            at("narrow").binary(BinOper::Mul, square("east")),
        );
        let one = self.real(Expr::Constant(1.into()));
        // Not `least`, which passes over a null.
        let chord = case(
            CaseStatement::new()
                .case(half.clone().lte(one.clone()), call("sqrt", half.clone()))
                .case(half.gt(one.clone()), one),
        );
        let angle = call("asin", chord);
        let diameter = self.real(Expr::Constant(Sql::Double(Some(2.0 * EARTH_RADIUS_M))));
        let metres = rounded(diameter.binary(BinOper::Mul, angle), 1_000);
        let mut select = Query::select();
        select.expr(metres).from_subquery(sines, iden(&outer));
        Expr::from(select)
    }

    /// What also holds where a point is nearer than some metres to one that the request or the text gives: that its
    /// latitude is, which an index knows.
    pub(super) fn band(
        &mut self,
        operator: Comparison,
        a: &Value,
        b: &Value,
        frame: &Frame<'_>,
    ) -> Vec<Expr> {
        let (four, metres) = match (&a.kind, &b.kind, operator) {
            (ValueKind::Distance(four), _, Comparison::Less | Comparison::LessOrEqual) => (four, b),
            (_, ValueKind::Distance(four), Comparison::Greater | Comparison::GreaterOrEqual) => {
                (four, a)
            }
            _ => return Vec::new(),
        };
        let fixed = |value: &Value| matches!(value.kind, ValueKind::Const(_) | ValueKind::Slot(_));
        let [lat_a, _, lat_b, _] = four.as_ref();
        let (lat, centre) = if fixed(lat_b) {
            (lat_a, lat_b)
        } else {
            (lat_b, lat_a)
        };
        if !fixed(metres) || !fixed(centre) || !matches!(lat.kind, ValueKind::Field(_)) {
            return Vec::new();
        }
        let greatest = if self.postgres() { "greatest" } else { "max" };
        let mut edge = |sign: BinOper| {
            let metres = self.value(metres, frame);
            let least = self.real(Expr::Constant(1.into()));
            let degrees = function(greatest, vec![metres, least])
                .binary(BinOper::Div, self.real(Expr::Constant(DEGREE_M.into())));
            self.value(centre, frame).binary(sign, degrees)
        };
        let (from, to) = (edge(BinOper::Sub), edge(BinOper::Add));
        let mut lat = || self.value(lat, frame);
        vec![lat().gte(from), lat().lte(to)]
    }
}

fn sqlite_at(json: Expr, path: &Path) -> (Expr, Expr) {
    let path = Expr::value(path.sqlite());
    let found = function("json_extract", vec![json.clone(), path.clone()]);
    (found, function("json_type", vec![json, path]))
}

/// A jsonb value as a type that it has; else null.
fn postgres_as(found: Expr, kind: Expr, ty: Ty) -> Expr {
    match ty {
        Ty::Text => {
            let text = found.binary(
                BinOper::Custom("#>>"),
                cast(Expr::Constant("{}".into()), "text[]"),
            );
            collate_c(when(kind, &["string"], text))
        }
        Ty::Bool => when(kind, &["boolean"], cast(found, "boolean")),
        Ty::Float => {
            let edge = |n: &str| cast(Expr::value(n), "numeric");
            let number = cast(found, "numeric");
            let size = || function("abs", vec![number.clone()]);
            let zero = cast(Expr::Constant(0.into()), "double precision");
            let usual = cast(number.clone(), "double precision");
            let calm = CaseStatement::new()
                .case(size().lt(edge("1e-300")), zero)
                .case(size().lte(edge("1e300")), usual);
            when(kind, &["number"], case(calm))
        }
        _ => found,
    }
}

fn when(kind: Expr, kinds: &[&str], then: Expr) -> Expr {
    let is = kinds
        .iter()
        .map(|name| kind.clone().eq(Expr::Constant((*name).into())))
        .reduce(ExprTrait::or);
    case(
        is.into_iter()
            .fold(CaseStatement::new(), |all, is| all.case(is, then.clone())),
    )
}

/// To the nearest part of a whole.
fn rounded(number: Expr, parts: i32) -> Expr {
    let many = number.binary(BinOper::Mul, Expr::Constant(parts.into()));
    let half = Expr::Constant(Sql::Double(Some(0.5)));
    let whole = function("floor", vec![many.binary(BinOper::Add, half)]);
    whole.binary(BinOper::Div, Expr::Constant(parts.into()))
}
