//! The one door to the parser: limits first, then the `cel` crate on a thread with a big stack,
//! then our own tree. Nothing outside this file knows the parser's types.

use cel::common::ast::{CallExpr, Expr, IdedExpr, LiteralValue, SourceInfo, operators};

use crate::error::{ErrorKind, RuleError, Span};
use crate::limits::{DEPTH_MAX, LIST_ITEMS_MAX, Limit, NODES_MAX, check_text};
use crate::syntax::{Comparison, Node, NodeKind, Operator};

/// Enough for any text of the maximal length in a debug build (measured in the tests); it is
/// reserved, not used.
const STACK_BYTES: usize = 128 * 1024 * 1024;

/// Parses a text within the limits.
pub(crate) fn parse(text: &str) -> Result<Node, RuleError> {
    check_text(text)?;
    parse_unchecked(text)
}

/// Parses without the count before, which is only the courtesy of a clear message.
pub(crate) fn parse_unchecked(text: &str) -> Result<Node, RuleError> {
    std::thread::scope(|scope| {
        std::thread::Builder::new()
            .name("rules-parse".to_owned())
            .stack_size(STACK_BYTES)
            .spawn_scoped(scope, || parse_here(text))
            .map_err(|_| failed("the parser could not be started"))
            .and_then(|thread| {
                thread
                    .join()
                    .map_err(|_| failed("the parser failed on this text"))
            })
            .and_then(|result| result)
    })
}

fn failed(message: &str) -> RuleError {
    RuleError::new(ErrorKind::Syntax, Span::default(), message)
}

fn parse_here(text: &str) -> Result<Node, RuleError> {
    if let Some(at) = text.chars().position(|c| c == '\0') {
        let message = "the text holds a NUL character";
        return Err(RuleError::new(
            ErrorKind::Syntax,
            Span::new(at, at + 1),
            message,
        ));
    }
    let parser = cel::Env::default().with_optional_support(false).parser();
    let chars: Vec<char> = text.chars().collect();
    let (expr, source) = parser
        .parse_with_source_info(text)
        .map_err(|errors| syntax_error(text, &errors))?;
    let mut reader = Reader {
        chars: &chars,
        source: &source,
        nodes: 0,
    };
    reader.node(expr, 1)
}

fn syntax_error(text: &str, errors: &cel::ParseErrors) -> RuleError {
    let Some(first) = errors.errors.first() else {
        return failed("the text is not an expression");
    };
    if errors
        .errors
        .iter()
        .any(|error| error.msg.contains("Recursion limit"))
    {
        return RuleError::limit(Limit::Depth, Span::new(0, text.chars().count()));
    }
    let (line, column) = first.pos;
    let before: usize = text
        .split_inclusive('\n')
        .take(usize::try_from(line - 1).unwrap_or(0))
        .map(|line| line.chars().count())
        .sum();
    let length = text.chars().count();
    let start = (before + usize::try_from(column - 1).unwrap_or(0)).min(length);
    let message = first.msg.trim_start_matches("Syntax error: ");
    // The recogniser lists every token it would have taken; the first words are the useful ones.
    let message: String = message
        .split(" expecting {")
        .next()
        .unwrap_or(message)
        .to_owned();
    RuleError::new(
        ErrorKind::Syntax,
        Span::new(start, (start + 1).min(length.max(start))),
        format!("the text is not an expression: {message}"),
    )
}

/// Turns the parser's tree into ours, counting as it goes.
struct Reader<'a> {
    chars: &'a [char],
    source: &'a SourceInfo,
    nodes: usize,
}

impl Reader<'_> {
    fn node(&mut self, expr: IdedExpr, depth: usize) -> Result<Node, RuleError> {
        let at = self.token(expr.id);
        if depth > DEPTH_MAX {
            return Err(RuleError::limit(Limit::Depth, at));
        }
        self.count(at)?;
        match expr.expr {
            Expr::Literal(literal) => self.literal(literal, at),
            Expr::Ident(name) => Ok(Node {
                span: at,
                kind: NodeKind::Name(name),
            }),
            Expr::Select(select) => {
                let target = self.node(*select.operand, depth + 1)?;
                let span = Span::new(target.span.start, self.end_of_name(at.end));
                Ok(Node {
                    span,
                    kind: NodeKind::Select(Box::new(target), select.field),
                })
            }
            Expr::List(list) => {
                if list.elements.len() > LIST_ITEMS_MAX {
                    return Err(RuleError::limit(Limit::ListItems, at)
                        .hint("give a long list as a parameter: `x in params.list`"));
                }
                let mut span = at;
                let mut items = Vec::with_capacity(list.elements.len());
                for element in list.elements {
                    let constant = matches!(element.expr, Expr::Literal(_));
                    let item = self.node(element, depth + 1)?;
                    span = span.cover(item.span);
                    self.nodes -= usize::from(constant);
                    items.push(item);
                }
                span.end = self.closing(span.end, ']');
                Ok(Node {
                    span,
                    kind: NodeKind::List(items),
                })
            }
            Expr::Call(call) => self.call(call, at, depth),
            Expr::Map(_) | Expr::Struct(_) => Err(RuleError::new(
                ErrorKind::UnknownFunction,
                at,
                "maps and objects cannot be written here",
            )),
            Expr::Comprehension(_) | Expr::Unspecified => Err(RuleError::new(
                ErrorKind::Syntax,
                at,
                "the text is not an expression",
            )),
        }
    }

    fn count(&mut self, at: Span) -> Result<(), RuleError> {
        self.nodes += 1;
        if self.nodes > NODES_MAX {
            Err(RuleError::limit(Limit::Nodes, at))
        } else {
            Ok(())
        }
    }

    fn literal(&self, literal: LiteralValue, span: Span) -> Result<Node, RuleError> {
        let kind = match literal {
            LiteralValue::Null => NodeKind::Null,
            LiteralValue::Boolean(b) => NodeKind::Bool(*b.inner()),
            LiteralValue::Int(n) => NodeKind::Int(*n.inner()),
            LiteralValue::Double(n) => NodeKind::Float(*n.inner()),
            LiteralValue::String(s) => {
                if s.inner().contains('\0') {
                    let message = "a text cannot hold the NUL character";
                    return Err(RuleError::new(ErrorKind::Value, span, message));
                }
                NodeKind::Text(s.inner().to_owned())
            }
            LiteralValue::UInt(_) => {
                return Err(RuleError::new(
                    ErrorKind::UnknownFunction,
                    span,
                    "unsigned constants do not exist here",
                )
                .hint("write the number without `u`"));
            }
            LiteralValue::Bytes(_) => {
                let message = "byte strings do not exist here";
                return Err(RuleError::new(ErrorKind::UnknownFunction, span, message));
            }
        };
        Ok(Node {
            span: self.with_sign(span, &kind),
            kind,
        })
    }

    /// A constant's token leaves its minus sign out.
    fn with_sign(&self, span: Span, kind: &NodeKind) -> Span {
        let negative = match kind {
            NodeKind::Int(n) => *n < 0,
            NodeKind::Float(n) => *n < 0.0,
            _ => false,
        };
        let before = span.start.checked_sub(1);
        match before {
            Some(at) if negative && self.chars.get(at) == Some(&'-') => Span::new(at, span.end),
            _ => span,
        }
    }

    fn call(&mut self, call: CallExpr, at: Span, depth: usize) -> Result<Node, RuleError> {
        let name = call.func_name;
        let chained = [operators::LOGICAL_AND, operators::LOGICAL_OR];
        if call.target.is_none() && chained.contains(&name.as_str()) {
            let mut terms = Vec::new();
            for arg in call.args {
                self.chain(arg, &name, depth, &mut terms)?;
            }
            let span = terms.iter().fold(at, |span, term| span.cover(term.span));
            let kind = match name.as_str() {
                operators::LOGICAL_AND => NodeKind::And(terms),
                _ => NodeKind::Or(terms),
            };
            return Ok(Node { span, kind });
        }
        let target = match call.target {
            Some(target) => Some(Box::new(self.node(*target, depth + 1)?)),
            None => None,
        };
        let mut args = Vec::with_capacity(call.args.len());
        for arg in call.args {
            args.push(self.node(arg, depth + 1)?);
        }
        let mut span = args.iter().fold(at, |span, arg| span.cover(arg.span));
        if let Some(target) = &target {
            span = span.cover(target.span);
        }
        if let Some(kind) = operator(&name, &mut args) {
            return Ok(Node { span, kind });
        }
        if name == operators::INDEX {
            return Err(RuleError::new(
                ErrorKind::UnknownFunction,
                at,
                "`[...]` after a name is not in the language",
            )
            .hint("`x in list` tests for membership"));
        }
        span.end = self.closing(span.end, ')');
        if target.is_none() {
            span.start = self.start_of_name(at.start);
        }
        Ok(Node {
            span,
            kind: NodeKind::Call { name, target, args },
        })
    }

    /// The parser balances `a && b && c` into a tree; it is one list of terms for us.
    fn chain(
        &mut self,
        expr: IdedExpr,
        operator: &str,
        depth: usize,
        terms: &mut Vec<Node>,
    ) -> Result<(), RuleError> {
        match expr.expr {
            Expr::Call(call) if call.target.is_none() && call.func_name == operator => {
                self.count(self.token(expr.id))?;
                for arg in call.args {
                    self.chain(arg, operator, depth, terms)?;
                }
                Ok(())
            }
            _ => {
                terms.push(self.node(expr, depth + 1)?);
                Ok(())
            }
        }
    }

    fn token(&self, id: u64) -> Span {
        let (start, stop) = self.source.offset_for(id).unwrap_or((0, 0));
        Span::new(
            self.character(start),
            (self.character(stop) + 1).min(self.chars.len()),
        )
    }

    /// The parser counts bytes in tokens (and characters in errors).
    fn character(&self, byte: u32) -> usize {
        let byte = byte as usize;
        let mut bytes = 0;
        for (at, c) in self.chars.iter().enumerate() {
            bytes += c.len_utf8();
            if byte < bytes {
                return at;
            }
        }
        self.chars.len()
    }

    fn end_of_name(&self, from: usize) -> usize {
        let start = self.after_blanks(from);
        start
            + self
                .chars
                .iter()
                .skip(start)
                .take_while(|c| is_name(**c))
                .count()
    }

    fn start_of_name(&self, bracket: usize) -> usize {
        let before = self.chars.get(..bracket).unwrap_or_default();
        let blanks = before
            .iter()
            .rev()
            .take_while(|c| c.is_whitespace())
            .count();
        let name = before
            .iter()
            .rev()
            .skip(blanks)
            .take_while(|c| is_name(**c))
            .count();
        bracket - blanks - name
    }

    fn closing(&self, from: usize, bracket: char) -> usize {
        let at = self.after_blanks(from);
        if self.chars.get(at) == Some(&bracket) {
            at + 1
        } else {
            from
        }
    }

    fn after_blanks(&self, from: usize) -> usize {
        from + self
            .chars
            .iter()
            .skip(from)
            .take_while(|c| c.is_whitespace())
            .count()
    }
}

fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// The parser writes operators as calls of functions with names such as `_==_`.
fn operator(name: &str, args: &mut Vec<Node>) -> Option<NodeKind> {
    let comparison = |operator| Some((Some(operator), None));
    let arithmetic = |operator| Some((None, Some(operator)));
    let two: Option<(Option<Comparison>, Option<Operator>)> = match name {
        operators::EQUALS => comparison(Comparison::Equal),
        operators::NOT_EQUALS => comparison(Comparison::NotEqual),
        operators::LESS => comparison(Comparison::Less),
        operators::LESS_EQUALS => comparison(Comparison::LessOrEqual),
        operators::GREATER => comparison(Comparison::Greater),
        operators::GREATER_EQUALS => comparison(Comparison::GreaterOrEqual),
        operators::ADD => arithmetic(Operator::Add),
        operators::SUBSTRACT => arithmetic(Operator::Subtract),
        operators::MULTIPLY => arithmetic(Operator::Multiply),
        operators::DIVIDE => arithmetic(Operator::Divide),
        operators::MODULO => arithmetic(Operator::Remainder),
        operators::IN => Some((None, None)),
        _ => None,
    };
    if let Some(which) = two {
        let both = Box::new(<[Node; 2]>::try_from(std::mem::take(args)).ok()?);
        return Some(match which {
            (Some(comparison), _) => NodeKind::Compare(comparison, both),
            (_, Some(operator)) => NodeKind::Arithmetic(operator, both),
            _ => NodeKind::In(both),
        });
    }
    match name {
        operators::LOGICAL_NOT => Some(NodeKind::Not(Box::new(args.pop()?))),
        operators::NEGATE => Some(NodeKind::Negative(Box::new(args.pop()?))),
        operators::CONDITIONAL => Some(NodeKind::If(Box::new(
            <[Node; 3]>::try_from(std::mem::take(args)).ok()?,
        ))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::parse_unchecked;
    use crate::limits::TEXT_CHARS_MAX;

    /// The stack holds every text of the maximal length, even one that the count before parsing
    /// would have refused.
    #[test]
    fn the_stack_is_large_enough_without_the_count() {
        for part in [
            "(", "[", "!", "-", "a.", "1+", "n*", "a?b:", "a||", "a&&", "!(", "a(", "a.b(", "1-",
            "-(", "{1:", "a[", "a in ", "a==", "'",
        ] {
            let times = TEXT_CHARS_MAX / part.len();
            for end in ["", "a"] {
                let text = format!("{}{end}", part.repeat(times));
                // Some are right: signs cancel out in pairs. What counts is that it returns.
                if let Err(error) = parse_unchecked(&text) {
                    assert!(!error.message.contains("the parser"), "{part}: {error}");
                }
            }
        }
    }
}
