//! Moments, days and durations as the wire writes them, with six digits and in UTC, and the
//! arithmetic on them that SQLite's own functions are too coarse for.

use time::format_description::well_known::Rfc3339;
use time::{Date, Month, OffsetDateTime, UtcOffset};

/// A moment from any RFC 3339 text, as the fixed-width UTC text; finer digits are cut.
pub(crate) fn moment(text: &str) -> Option<String> {
    write_moment(parse(text)?)
}

/// The fixed-width text moved by some microseconds; none outside the years 1 to 9999.
pub(crate) fn moved(text: &str, micros: i64) -> Option<String> {
    if micros == 0 {
        return moment(text);
    }
    write_moment(parse(text)?.checked_add(time::Duration::microseconds(micros))?)
}

fn parse(text: &str) -> Option<OffsetDateTime> {
    OffsetDateTime::parse(text, &Rfc3339)
        .ok()?
        .checked_to_offset(UtcOffset::UTC)
}

fn write_moment(at: OffsetDateTime) -> Option<String> {
    if !(1..=9999).contains(&at.year()) {
        return None;
    }
    Some(format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}Z",
        at.year(),
        u8::from(at.month()),
        at.day(),
        at.hour(),
        at.minute(),
        at.second(),
        at.microsecond()
    ))
}

/// A day, if the text is exactly `YYYY-MM-DD` and such a day exists.
pub(crate) fn day(text: &str) -> Option<String> {
    let date = parse_day(text)?;
    (1..=9999).contains(&date.year()).then(|| text.to_owned())
}

fn parse_day(text: &str) -> Option<Date> {
    let bytes = text.as_bytes();
    if bytes.len() != 10 || bytes.get(4) != Some(&b'-') || bytes.get(7) != Some(&b'-') {
        return None;
    }
    let number = |range: std::ops::Range<usize>| -> Option<u16> {
        let digits = text.get(range)?;
        digits
            .bytes()
            .all(|b| b.is_ascii_digit())
            .then(|| digits.parse().ok())
            .flatten()
    };
    let month = Month::try_from(u8::try_from(number(5..7)?).ok()?).ok()?;
    Date::from_calendar_date(
        i32::from(number(0..4)?),
        month,
        u8::try_from(number(8..10)?).ok()?,
    )
    .ok()
}

/// A duration in microseconds from a text such as `90m` or `1h30m` or `-1.5s`; days are `24h`.
pub(crate) fn duration(text: &str) -> Option<i64> {
    let (negative, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    if rest.is_empty() {
        return None;
    }
    let mut micros = 0f64;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, after) = rest.split_at(digits);
        let unit_end = after
            .find(|c: char| c.is_ascii_digit() || c == '.')
            .unwrap_or(after.len());
        let (unit, after) = after.split_at(unit_end);
        let factor = match unit {
            "h" => 3_600e6,
            "m" => 60e6,
            "s" => 1e6,
            "ms" => 1e3,
            "us" => 1.0,
            _ => return None,
        };
        micros += number.parse::<f64>().ok()? * factor;
        rest = after;
    }
    // Ten thousand years: beyond it every sum leaves the calendar anyway.
    if !micros.is_finite() || micros >= 3.2e17 {
        return None;
    }
    #[expect(
        clippy::cast_possible_truncation,
        reason = "bounded above, and microseconds round"
    )]
    let micros = micros.round() as i64;
    Some(if negative { -micros } else { micros })
}

/// The moments that have parts at an offset.
pub(crate) const OFFSET_FROM: &str = "0001-01-02T00:00:00.000000Z";
pub(crate) const OFFSET_TO: &str = "9999-12-31T00:00:00.000000Z";

/// The minutes of `UTC`, `Z` or `+02:00`, less than a day.
pub(crate) fn offset(text: &str) -> Option<i32> {
    if matches!(text, "UTC" | "Z") {
        return Some(0);
    }
    let (sign, rest) = match text.split_at_checked(1)? {
        ("+", rest) => (1, rest),
        ("-", rest) => (-1, rest),
        _ => return None,
    };
    let (hours, minutes) = rest.split_once(':')?;
    let number = |text: &str, max: i32| -> Option<i32> {
        let digits = text.len() == 2 && text.bytes().all(|b| b.is_ascii_digit());
        text.parse().ok().filter(|n| digits && *n <= max)
    };
    Some(sign * (number(hours, 18)? * 60 + number(minutes, 59)?))
}

/// A part of a moment or a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Year,
    Month,
    DayOfMonth,
    Date,
    DayOfWeek,
    DayOfYear,
    Hours,
    Minutes,
    Seconds,
    Milliseconds,
}

impl Part {
    /// The part that a function of the language names; months and days of the year begin at 0,
    /// as CEL has it, and weeks on Sunday.
    pub fn named(function: &str) -> Option<Self> {
        Some(match function {
            "getFullYear" => Self::Year,
            "getMonth" => Self::Month,
            "getDayOfMonth" => Self::DayOfMonth,
            "getDate" => Self::Date,
            "getDayOfWeek" => Self::DayOfWeek,
            "getDayOfYear" => Self::DayOfYear,
            "getHours" => Self::Hours,
            "getMinutes" => Self::Minutes,
            "getSeconds" => Self::Seconds,
            "getMilliseconds" => Self::Milliseconds,
            _ => return None,
        })
    }

    /// Whether a day without a time of day has it.
    pub fn of_a_day(self) -> bool {
        !matches!(
            self,
            Self::Hours | Self::Minutes | Self::Seconds | Self::Milliseconds
        )
    }

    /// The part of a moment at an offset from UTC in minutes. The first and the last day of the calendar have none: at an
    /// offset they may lie outside of it.
    pub fn at(self, text: &str, minutes: i32) -> Option<i64> {
        if !(OFFSET_FROM..OFFSET_TO).contains(&text) {
            return None;
        }
        self.of(&moved(text, i64::from(minutes) * 60_000_000)?)
    }

    /// The part of a fixed-width moment or of a day.
    pub fn of(self, text: &str) -> Option<i64> {
        let number = |range: std::ops::Range<usize>| text.get(range)?.parse::<i64>().ok();
        let date = || parse_day(text.get(0..10)?);
        match self {
            Self::Year => number(0..4),
            Self::Month => Some(number(5..7)? - 1),
            Self::DayOfMonth => Some(number(8..10)? - 1),
            Self::Date => number(8..10),
            Self::DayOfWeek => Some(i64::from(date()?.weekday().number_days_from_sunday())),
            Self::DayOfYear => Some(i64::from(date()?.ordinal()) - 1),
            Self::Hours => number(11..13),
            Self::Minutes => number(14..16),
            Self::Seconds => number(17..19),
            Self::Milliseconds => number(20..23),
        }
    }
}
