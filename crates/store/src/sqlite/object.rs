//! JSON objects out of columns, as a function of SQL: `json_object` looks at each value anew, and has no true and false.

use rusqlite::functions::{Context, FunctionFlags};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Error};
use std::io::Write;

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

fn object(context: &Context<'_>) -> rusqlite::Result<String> {
    let values = context.len().saturating_sub(1);
    let members = context.get_raw(values).as_str().map_err(broken)?;
    let mut json = Vec::with_capacity(members.len() * 4 + 32);
    if members.is_empty() {
        return Ok("{}".to_owned());
    }
    for (i, member) in members.split(',').enumerate() {
        let (spelling, name) = member
            .split_at_checked(1)
            .ok_or_else(|| broken("a member has no letter"))?;
        json.extend_from_slice(if i == 0 { b"{\"" } else { b",\"" });
        json.extend_from_slice(name.as_bytes());
        json.extend_from_slice(b"\":");
        if i >= values {
            return Err(broken("a member has no value"));
        }
        spell(&mut json, spelling, context.get_raw(i))?;
    }
    json.push(b'}');
    String::from_utf8(json).map_err(broken)
}

fn spell(json: &mut Vec<u8>, spelling: &str, value: ValueRef<'_>) -> rusqlite::Result<()> {
    match (spelling, value) {
        (_, ValueRef::Null) => json.extend_from_slice(b"null"),
        ("t", ValueRef::Text(text)) => quote(json, text),
        ("j", ValueRef::Text(text)) => json.extend_from_slice(text),
        ("b", ValueRef::Integer(value)) => {
            json.extend_from_slice(if value == 0 { b"false" } else { b"true" });
        }
        ("n", ValueRef::Integer(value)) => write!(json, "{value}").map_err(broken)?,
        ("n", ValueRef::Real(value)) => {
            json.extend_from_slice(kernel::number::float_text(value).as_bytes());
        }
        (spelling, value) => {
            let kind = value.data_type();
            return Err(broken(format!("{kind} is not spelled as {spelling}")));
        }
    }
    Ok(())
}

/// A text in quotes, escaped as RFC 8259, section 7, demands and no further.
fn quote(json: &mut Vec<u8>, text: &[u8]) {
    json.push(b'"');
    let mut from = 0;
    for (at, byte) in text.iter().enumerate() {
        let short = match byte {
            b'"' => b'"',
            b'\\' => b'\\',
            0x08 => b'b',
            0x09 => b't',
            0x0A => b'n',
            0x0C => b'f',
            0x0D => b'r',
            0x00..0x20 => b'u',
            _ => continue,
        };
        json.extend_from_slice(text.get(from..at).unwrap_or_default());
        json.extend_from_slice(&[b'\\', short]);
        if short == b'u' {
            let half = |n: u8| if n < 10 { b'0' + n } else { b'a' + n - 10 };
            json.extend_from_slice(&[b'0', b'0', half(byte >> 4), half(byte & 15)]);
        }
        from = at + 1;
    }
    json.extend_from_slice(text.get(from..).unwrap_or_default());
    json.push(b'"');
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
            let text = format!("{c}a{c}{c}");
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
