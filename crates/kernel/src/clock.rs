//! One clock, passed in, so that tests can turn it and a request sees one `now`.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use time::{OffsetDateTime, UtcOffset, format_description::well_known::Rfc3339};

/// A point in time as it is stored and sent: UTC, `YYYY-MM-DDTHH:MM:SS.ffffffZ`, always 27 characters.
///
/// The text sorts as the time does. Years 0001 to 9999; finer digits than microseconds are cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Stamp(OffsetDateTime);

impl Stamp {
    /// From any offset; `None` outside the years 0001 to 9999.
    #[must_use]
    pub fn from_time(time: OffsetDateTime) -> Option<Self> {
        let utc = time.checked_to_offset(UtcOffset::UTC)?;
        if !(1..=9999).contains(&utc.year()) {
            return None;
        }
        let micros = utc.microsecond();
        Some(Self(utc.replace_microsecond(micros).ok()?))
    }

    /// Parses RFC 3339 with any offset; `None` when malformed or out of range. A leap second is refused.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        // RFC 3339 asks for "T"; `time` also takes other separators, which would not round-trip.
        if !matches!(text.as_bytes().get(10), Some(b'T' | b't')) {
            return None;
        }
        Self::from_time(OffsetDateTime::parse(text, &Rfc3339).ok()?)
    }

    /// Seconds since 1970-01-01T00:00:00Z, rounded down.
    #[must_use]
    pub fn unix_seconds(self) -> i64 {
        self.0.unix_timestamp()
    }

    /// Microseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub fn unix_micros(self) -> i64 {
        // Years 1 to 9999 in microseconds fit an i64.
        i64::try_from(self.0.unix_timestamp_nanos() / 1_000).unwrap_or(i64::MAX)
    }

    /// The same instant for libraries that speak `time`.
    #[must_use]
    pub fn time(self) -> OffsetDateTime {
        self.0
    }

    /// Later by `by`; stays at the end of the year 9999 if it would leave the range.
    #[must_use]
    pub fn plus(self, by: Duration) -> Self {
        time::Duration::try_from(by)
            .ok()
            .and_then(|by| self.0.checked_add(by))
            .and_then(Self::from_time)
            .unwrap_or(Self(
                time::macros::datetime!(9999-12-31 23:59:59.999999 UTC),
            ))
    }

    /// Earlier by `by`; stays at the start of the year 1 if it would leave the range.
    #[must_use]
    pub fn minus(self, by: Duration) -> Self {
        time::Duration::try_from(by)
            .ok()
            .and_then(|by| self.0.checked_sub(by))
            .and_then(Self::from_time)
            .unwrap_or(Self(time::macros::datetime!(0001-01-01 0:00 UTC)))
    }
}

impl std::fmt::Display for Stamp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let t = self.0;
        write!(
            f,
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}Z",
            t.year(),
            u8::from(t.month()),
            t.day(),
            t.hour(),
            t.minute(),
            t.second(),
            t.microsecond()
        )
    }
}

impl serde::Serialize for Stamp {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Stamp {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = String::deserialize(d)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("is not an RFC 3339 time"))
    }
}

/// The wall clock, or one that a test holds. It may repeat or go back: never order by it alone.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    held: Option<Arc<Mutex<Stamp>>>,
}

impl Clock {
    /// The machine's clock.
    #[must_use]
    pub fn system() -> Self {
        Self::default()
    }

    /// A clock that stands at `at` until it is moved.
    #[must_use]
    pub fn held(at: Stamp) -> Self {
        Self {
            held: Some(Arc::new(Mutex::new(at))),
        }
    }

    /// Moves a held clock to `at`; does nothing to the machine's clock.
    pub fn set(&self, at: Stamp) {
        if let Some(held) = &self.held {
            *held.lock().unwrap_or_else(PoisonError::into_inner) = at;
        }
    }

    /// The present.
    #[must_use]
    pub fn now(&self) -> Stamp {
        if let Some(held) = &self.held {
            return *held.lock().unwrap_or_else(PoisonError::into_inner);
        }
        #[expect(
            clippy::disallowed_methods,
            reason = "this is the one place that asks the machine"
        )]
        let now = OffsetDateTime::now_utc();
        Stamp::from_time(now).unwrap_or(Stamp(OffsetDateTime::UNIX_EPOCH))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stamps_are_utc_microseconds_of_fixed_width() {
        let cases = [
            ("2026-01-02T03:04:05Z", Some("2026-01-02T03:04:05.000000Z")),
            (
                "2026-01-02T03:04:05.1234569+02:00",
                Some("2026-01-02T01:04:05.123456Z"),
            ),
            ("0001-01-01T00:00:00Z", Some("0001-01-01T00:00:00.000000Z")),
            (
                "9999-12-31T23:59:59.999999Z",
                Some("9999-12-31T23:59:59.999999Z"),
            ),
            ("9999-12-31T23:59:59Z", Some("9999-12-31T23:59:59.000000Z")),
            ("0001-01-01T00:00:00+01:00", None),
            ("9999-12-31T23:59:59-01:00", None),
            ("2026-02-30T00:00:00Z", None),
            ("2026-01-02 03:04:05Z", None),
            ("2026-01-02", None),
            ("", None),
        ];
        for (text, want) in cases {
            let got = Stamp::parse(text).map(|s| s.to_string());
            assert_eq!(got.as_deref(), want, "{text}");
        }
    }
}
