//! The type `date`: a day of the calendar, `YYYY-MM-DD`, of the years 0001 to 9999.

use super::Fault;
use sea_orm::Value;
use serde_json::Value as Json;
use time::{Date, Month};

pub(super) fn column(sqlite: bool) -> &'static str {
    if sqlite { "date_text" } else { "date" }
}

pub(super) fn json(column: &str, sqlite: bool) -> String {
    if sqlite {
        column.to_owned()
    } else {
        format!("to_char({column}, 'YYYY-MM-DD')")
    }
}

pub(super) fn value(json: &Json) -> Result<Value, Fault> {
    match json.as_str().filter(|text| is_day(text)) {
        Some(day) => Ok(Value::String(Some(day.to_owned()))),
        None => Err((
            "not_a_date",
            "This must be a day of the years 1 to 9999, such as 2026-01-31.".to_owned(),
        )),
    }
}

fn is_day(text: &str) -> bool {
    let plain = text.len() == 10
        && text.bytes().enumerate().all(|(i, b)| {
            if matches!(i, 4 | 7) {
                b == b'-'
            } else {
                b.is_ascii_digit()
            }
        });
    // Only ASCII is left: every place is the edge of a character.
    let number = |from: usize, to: usize| text.get(from..to).and_then(|n| n.parse::<u16>().ok());
    let (Some(year), Some(month), Some(day)) = (number(0, 4), number(5, 7), number(8, 10)) else {
        return false;
    };
    let month = u8::try_from(month)
        .ok()
        .and_then(|m| Month::try_from(m).ok());
    let (Some(month), Ok(day)) = (month, u8::try_from(day)) else {
        return false;
    };
    plain && year > 0 && Date::from_calendar_date(year.into(), month, day).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_days_of_the_calendar_are_taken() {
        for good in ["0001-01-01", "2024-02-29", "9999-12-31", "1582-10-10"] {
            assert_eq!(
                value(&json!(good)),
                Ok(Value::String(Some(good.to_owned())))
            );
        }
        for bad in [
            "0000-01-01",
            "2023-02-29",
            "2026-13-01",
            "2026-00-01",
            "2026-01-00",
            "2026-1-1",
            "20260101",
            "2026-01-01T00:00:00Z",
            "+026-01-01",
            "2026-01-+1",
            " 2026-01-01",
            "10000-01-01",
            "-001-01-01",
            "２０26-01",
            "today",
            "",
        ] {
            assert!(value(&json!(bad)).is_err(), "{bad}");
        }
        for bad in [json!(20_260_101), json!(true), json!({}), json!([])] {
            assert!(value(&bad).is_err(), "{bad}");
        }
    }
}
