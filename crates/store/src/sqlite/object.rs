//! JSON objects out of columns, as a function of SQL: `json_object` looks at each value anew, and has no true and false.

use kernel::number::{push_float, push_integer};
use rusqlite::functions::{Context, FunctionFlags};
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, Error, ToSql};

/// Registers `galley_object(value, ..., members)`. The members are separated by commas; each is a letter for how its value
/// is spelled and its name, which holds neither comma nor quote:
///
/// - `t`: a text,
/// - `n`: an integer or a float, printed as PostgreSQL does,
/// - `b`: true for all integers but 0,
/// - `j`: JSON already.
///
/// A null is `null` whatever the letter says.
pub(super) fn register(connection: &Connection, flags: FunctionFlags) -> rusqlite::Result<()> {
    connection.create_scalar_function("galley_object", -1, flags, object)
}

/// JSON that was made of texts, which are UTF-8 all: whoever reads it looks again.
struct Object(Vec<u8>);

impl ToSql for Object {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(ValueRef::Text(&self.0)))
    }
}

/// What stands in each object of a statement: all that is written in front of the values, one after the other, and for
/// each member its letter and where its part ends.
struct Layout {
    fronts: Vec<u8>,
    members: Vec<(u8, usize)>,
}

impl Layout {
    fn read(members: &[u8]) -> rusqlite::Result<Self> {
        let mut layout = Self {
            fronts: Vec::with_capacity(members.len() * 2),
            members: Vec::with_capacity(members.len() / 4),
        };
        if members.is_empty() {
            return Ok(layout);
        }
        for member in members.split(|byte| *byte == b',') {
            let (spelling, name) = member
                .split_first()
                .ok_or_else(|| broken("a member has no letter"))?;
            let comma: &[u8] = if layout.members.is_empty() {
                b"\""
            } else {
                b",\""
            };
            for part in [comma, name, b"\":"] {
                layout.fronts.extend_from_slice(part);
            }
            layout.members.push((*spelling, layout.fronts.len()));
        }
        Ok(layout)
    }
}

fn object(context: &Context<'_>) -> rusqlite::Result<Object> {
    let values = context.len().saturating_sub(1);
    // The members are a constant: they are read for the first row, and kept for the others.
    let place = i32::try_from(values).map_err(broken)?;
    let layout = context.get_or_create_aux(place, |members| {
        Layout::read(members.as_bytes().map_err(broken)?)
    })?;
    if layout.members.len() > values {
        return Err(broken("a member has no value"));
    }
    // As much as most values need.
    let mut json = Vec::with_capacity(layout.fronts.len() + layout.members.len() * 40 + 2);
    json.push(b'{');
    let mut begin = 0;
    for (i, (spelling, end)) in layout.members.iter().enumerate() {
        json.extend_from_slice(layout.fronts.get(begin..*end).unwrap_or_default());
        spell(&mut json, *spelling, context.get_raw(i))?;
        begin = *end;
    }
    json.push(b'}');
    Ok(Object(json))
}

fn spell(json: &mut Vec<u8>, spelling: u8, value: ValueRef<'_>) -> rusqlite::Result<()> {
    match (spelling, value) {
        (_, ValueRef::Null) => json.extend_from_slice(b"null"),
        (b't', ValueRef::Text(text)) => quote(json, text),
        (b'j', ValueRef::Text(text)) => json.extend_from_slice(text),
        (b'b', ValueRef::Integer(value)) => {
            json.extend_from_slice(if value == 0 { b"false" } else { b"true" });
        }
        (b'n', ValueRef::Integer(value)) => push_integer(json, value),
        (b'n', ValueRef::Real(value)) => push_float(json, value),
        (spelling, value) => {
            let (kind, spelling) = (value.data_type(), char::from(spelling));
            return Err(broken(format!("{kind} is not spelled as {spelling}")));
        }
    }
    Ok(())
}

/// A text in quotes, escaped as RFC 8259, section 7, demands and no further.
fn quote(json: &mut Vec<u8>, text: &[u8]) {
    json.reserve(text.len() + 2);
    json.push(b'"');
    let (words, rest) = text.as_chunks();
    // The last eight bytes are looked at twice where they are not a word of their own.
    let is_rest_plain = match text.last_chunk() {
        _ if rest.is_empty() => true,
        Some(last) => is_plain(*last),
        None => rest.iter().all(|byte| needs_nothing(*byte)),
    };
    if is_rest_plain && words.iter().all(|word| is_plain(*word)) {
        json.extend_from_slice(text);
    } else {
        for word in words {
            match is_plain(*word) {
                true => json.extend_from_slice(word),
                false => word.iter().for_each(|byte| escape(json, *byte)),
            }
        }
        rest.iter().for_each(|byte| escape(json, *byte));
    }
    json.push(b'"');
}

fn needs_nothing(byte: u8) -> bool {
    byte >= 0x20 && byte != b'"' && byte != b'\\'
}

/// Whether no byte of eight needs an escape, told at once: the highest bit of each byte of `found` is set where that is
/// below 0x20, a quote or a backslash, and perhaps in bytes above such a one.
fn is_plain(word: [u8; 8]) -> bool {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    const HIGHS: u64 = ONES << 7;
    let word = u64::from_ne_bytes(word);
    let below = |word: u64, least: u64| word.wrapping_sub(ONES * least) & !word & HIGHS;
    let equal = |byte: u8| below(word ^ (ONES * u64::from(byte)), 1);
    below(word, 0x20) | equal(b'"') | equal(b'\\') == 0
}

fn escape(json: &mut Vec<u8>, byte: u8) {
    let short = match byte {
        b'"' | b'\\' => byte,
        0x08 => b'b',
        0x09 => b't',
        0x0A => b'n',
        0x0C => b'f',
        0x0D => b'r',
        0x00..0x20 => {
            let half = |n: u8| if n < 10 { b'0' + n } else { b'a' + n - 10 };
            json.extend_from_slice(&[b'\\', b'u', b'0', b'0', half(byte >> 4), half(byte & 15)]);
            return;
        }
        _ => return json.push(byte),
    };
    json.extend_from_slice(&[b'\\', short]);
}

fn broken(why: impl ToString) -> Error {
    Error::UserFunctionError(why.to_string().into())
}

#[cfg(test)]
mod tests {
    use super::register;
    use rusqlite::Connection;
    use rusqlite::functions::FunctionFlags;
    use serde_json::{Value, json};

    fn asked(call: &str) -> rusqlite::Result<String> {
        let connection = Connection::open_in_memory()?;
        register(&connection, FunctionFlags::SQLITE_UTF8)?;
        connection.query_row(&format!("SELECT galley_object({call})"), [], |row| {
            row.get(0)
        })
    }

    #[test]
    fn values_are_spelled_by_their_letters() {
        let call = "'a\"b', 3, 2.50, 1, 0, '[1]', NULL, 'ta,nb,nc,bd,be,jf,tg'";
        let told = r#"{"a":"a\"b","b":3,"c":2.5,"d":true,"e":false,"f":[1],"g":null}"#;
        assert_eq!(asked(call).unwrap(), told);
        assert_eq!(asked("''").unwrap(), "{}");
    }

    #[test]
    fn texts_are_escaped_as_another_writer_does() {
        let connection = Connection::open_in_memory().unwrap();
        register(&connection, FunctionFlags::SQLITE_UTF8).unwrap();
        for c in (1..0x300)
            .chain([0x2028, 0xFFFD, 0x1F600])
            .filter_map(char::from_u32)
        {
            let text = format!("{c}a{c}{c}plain and long{c}, then as long again{c}");
            let sql = "SELECT galley_object(?1, 't_')";
            let told: String = connection
                .query_row(sql, [&text], |row| row.get(0))
                .unwrap();
            assert_eq!(told, json!({"_": text}).to_string());
            let read: Value = serde_json::from_str(&told).unwrap();
            assert_eq!(read["_"], json!(text));
        }
    }

    #[test]
    fn what_does_not_fit_is_an_error() {
        for call in [
            "'a', 'na'",
            "1, 'ta'",
            "'a', 'ta,tb'",
            "'a', 'xa'",
            "'a', 'ta,'",
            "x'00', 'ta'",
        ] {
            assert!(asked(call).is_err(), "{call}");
        }
    }
}
