//! What is inside of a field: paths in json, and the halves of points with distances and boxes of them.

use super::{Resolver, fit};
use crate::error::{ErrorKind, RuleError, Span};
use crate::geo::Half;
use crate::json::{NoPath, Path};
use crate::limits::Limit;
use crate::syntax::{Comparison, Node, NodeKind};
use crate::tree::{Cond, CondKind, FieldRef, Test, Value, ValueKind};
use crate::value::{Ty, Val};

/// The value of a field that is a point.
pub(super) fn point_field(field: FieldRef, span: Span) -> Value {
    let half = |half: Half| {
        let mut field = field.clone();
        field.column.push_str(half.suffix());
        (field.half, field.ty) = (Some(half), Ty::Float);
        Value {
            span,
            ty: Ty::Float,
            kind: ValueKind::Field(field),
        }
    };
    Value {
        span,
        ty: Ty::Point,
        kind: ValueKind::Point(Box::new([half(Half::Lat), half(Half::Lon)])),
    }
}

impl Resolver<'_> {
    /// `json(field, "a.b[0]")`, whose type the other side decides.
    pub(super) fn inside(
        &mut self,
        field: &Node,
        path: &Node,
        span: Span,
    ) -> Result<Value, RuleError> {
        let of = self.value(field)?;
        if of.ty != Ty::Json || !matches!(of.kind, ValueKind::Field(_)) {
            let message = format!("`json` needs a json field, but this is {}", of.ty.words());
            return Err(RuleError::new(ErrorKind::Type, field.span, message));
        }
        let NodeKind::Text(text) = &path.kind else {
            let message = "a path is a text in quotes, such as \"a.b[0]\"";
            return Err(RuleError::new(ErrorKind::Type, path.span, message));
        };
        let path = Path::parse(text).map_err(|no| match no {
            NoPath::TooDeep => RuleError::limit(Limit::Depth, path.span),
            NoPath::Malformed => {
                let shown: String = text.chars().take(80).collect();
                let message = format!("`{shown}` is not a path");
                RuleError::new(ErrorKind::Value, path.span, message).hint(
                    "a path is names of letters, digits, `_` and `-` with dots between them, and \
                     places in arrays such as `[0]`",
                )
            }
        })?;
        Ok(Value {
            span,
            ty: Ty::Dynamic,
            kind: ValueKind::Inside(Box::new(of), path),
        })
    }

    pub(super) fn point(&mut self, lat: &Node, lon: &Node, span: Span) -> Result<Value, RuleError> {
        let (lat, lon) = (
            self.coordinate(lat, Half::Lat)?,
            self.coordinate(lon, Half::Lon)?,
        );
        Ok(Value {
            span,
            ty: Ty::Point,
            kind: ValueKind::Point(Box::new([lat, lon])),
        })
    }

    /// A number of degrees within its range: a constant outside is a mistake, a field outside is null.
    fn coordinate(&mut self, node: &Node, half: Half) -> Result<Value, RuleError> {
        let value = self.value(node)?;
        let mut value = fit::expect(value, Ty::Float)?;
        let span = value.span;
        match &mut value.kind {
            ValueKind::Const(Val::Float(degrees)) if !half.takes(*degrees) => {
                let limit = half.limit();
                let message = format!("`{degrees}` is not between -{limit} and {limit} degrees");
                Err(RuleError::new(ErrorKind::Value, span, message)
                    .hint("latitude comes first, then longitude"))
            }
            ValueKind::Const(_) => Ok(value),
            ValueKind::Slot(slot) => {
                slot.half = Some(half);
                Ok(value)
            }
            _ => Ok(Value {
                span,
                ty: Ty::Float,
                kind: ValueKind::Ranged(half, Box::new(value)),
            }),
        }
    }

    fn halves(&mut self, node: &Node) -> Result<[Value; 2], RuleError> {
        let value = self.value(node)?;
        match value.kind {
            ValueKind::Point(both) => Ok(*both),
            _ => {
                let message = format!("this must be a point, but it is {}", value.ty.words());
                Err(RuleError::new(ErrorKind::Type, node.span, message)
                    .hint("a field of points, or `point(lat, lon)`"))
            }
        }
    }

    pub(super) fn distance(&mut self, a: &Node, b: &Node, span: Span) -> Result<Value, RuleError> {
        let ([lat_a, lon_a], [lat_b, lon_b]) = (self.halves(a)?, self.halves(b)?);
        let four = Box::new([lat_a, lon_a, lat_b, lon_b]);
        Ok(Value {
            span,
            ty: Ty::Float,
            kind: ValueKind::Distance(four),
        })
    }

    /// `within(p, box(south, west, north, east))`, written out as comparisons, which use an index. A box whose west is
    /// greater than its east crosses the antimeridian.
    pub(super) fn within(
        &mut self,
        node: &Node,
        point: &Node,
        edges: &[Node],
    ) -> Result<CondKind, RuleError> {
        let edges = match edges {
            [
                Node {
                    kind:
                        NodeKind::Call {
                            name,
                            target: None,
                            args,
                        },
                    ..
                },
            ] if name == "box" => args.as_slice(),
            _ => edges,
        };
        let [south, west, north, east] = edges else {
            let message = "`within` takes a point and a box";
            return Err(RuleError::new(ErrorKind::Type, node.span, message)
                .hint("`within(p, box(south, west, north, east))` in degrees"));
        };
        if let (Some(south), Some(north)) = (degrees(south), degrees(north))
            && south > north
        {
            let message = "the south of a box is not north of its north";
            return Err(RuleError::new(ErrorKind::Value, node.span, message));
        }
        let mut edge = |half, comparison, edge: &Node| {
            let kind = self.atom(|this| {
                let [lat, lon] = this.halves(point)?;
                let at = if half == Half::Lat { lat } else { lon };
                let edge = this.coordinate(edge, half)?;
                Ok(Test::Compare(comparison, at, edge))
            })?;
            Ok::<_, RuleError>(cond(node.span, kind))
        };
        let from_south = edge(Half::Lat, Comparison::GreaterOrEqual, south)?;
        let to_north = edge(Half::Lat, Comparison::LessOrEqual, north)?;
        let mut sides = || {
            Ok::<_, RuleError>(vec![
                edge(Half::Lon, Comparison::GreaterOrEqual, west)?,
                edge(Half::Lon, Comparison::LessOrEqual, east)?,
            ])
        };
        let between = match (degrees(west), degrees(east)) {
            (Some(west), Some(east)) if west <= east => CondKind::And(sides()?),
            (Some(_), Some(_)) => CondKind::Or(sides()?),
            _ => {
                let (inner, outer) = (CondKind::And(sides()?), CondKind::Or(sides()?));
                let usual = self.atom(|this| {
                    let west = this.coordinate(west, Half::Lon)?;
                    let east = this.coordinate(east, Half::Lon)?;
                    Ok(Test::Compare(Comparison::LessOrEqual, west, east))
                })?;
                CondKind::If(Box::new(
                    [usual, inner, outer].map(|kind| cond(node.span, kind)),
                ))
            }
        };
        let between = cond(node.span, between);
        Ok(CondKind::And(vec![from_south, to_north, between]))
    }
}

fn cond(span: Span, kind: CondKind) -> Cond {
    Cond { span, kind }
}

/// A number written in the text.
fn degrees(node: &Node) -> Option<f64> {
    match node.kind {
        #[expect(clippy::cast_precision_loss, reason = "degrees are small")]
        NodeKind::Int(n) => Some(n as f64),
        NodeKind::Float(n) => Some(n),
        _ => None,
    }
}
