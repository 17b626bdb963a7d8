//! Ids: UUIDs on the wire and in tables, slugs for projects; and the one source of new ids.

use uuid::Uuid;

/// Parses an id a caller sent: any RFC 9562 UUID but nil and max, hyphenated or in its other spellings.
///
/// Returns the UUID; its `to_string` is the normal form (lower-case with hyphens). `None` when it is no id.
#[must_use]
pub fn parse_id(text: &str) -> Option<Uuid> {
    // Only the two common spellings: braces and `urn:uuid:` would make one id have many names in paths.
    if text.len() != 36 && text.len() != 32 {
        return None;
    }
    let id = Uuid::try_parse(text).ok()?;
    (!id.is_nil() && !id.is_max()).then_some(id)
}

/// Whether `text` may be a project's id: `^[a-z][a-z0-9-]{1,38}[a-z0-9]$` and none of the reserved names.
#[must_use]
pub fn parse_slug(text: &str) -> Option<&str> {
    let bytes = text.as_bytes();
    let ends = |b: &u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let ok = (3..=40).contains(&bytes.len())
        && bytes.first().is_some_and(u8::is_ascii_lowercase)
        && bytes.last().is_some_and(ends)
        && bytes.iter().all(|b| ends(b) || *b == b'-')
        && !matches!(text, "www" | "api" | "admin" | "dashboard" | "p");
    ok.then_some(text)
}

/// The source of new ids and random bytes, passed in where they are made.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ids;

impl Ids {
    /// A new UUIDv7 (RFC 9562, section 5.7): ordered by time, so that it also tells when a thing was made.
    #[must_use]
    pub fn new_id(self) -> Uuid {
        #[expect(
            clippy::disallowed_methods,
            reason = "this is the one place that makes ids"
        )]
        Uuid::now_v7()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_normalised_and_extremes_refused() {
        let id = parse_id("018F3C2A-7B1E-7C3D-9A4B-5C6D7E8F9A0B").map(|u| u.to_string());
        assert_eq!(id.as_deref(), Some("018f3c2a-7b1e-7c3d-9a4b-5c6d7e8f9a0b"));
        for bad in [
            "",
            "x",
            "../x",
            "role:admin",
            "00000000-0000-0000-0000-000000000000",
            "ffffffff-ffff-ffff-ffff-ffffffffffff",
            "{018f3c2a-7b1e-7c3d-9a4b-5c6d7e8f9a0b}",
            "urn:uuid:018f3c2a-7b1e-7c3d-9a4b-5c6d7e8f9a0b",
        ] {
            assert_eq!(parse_id(bad), None, "{bad}");
        }
    }

    #[test]
    fn slugs_follow_the_grammar() {
        for good in [
            "shop",
            "a-1",
            "x23",
            "a2345678901234567890123456789012345678-0",
        ] {
            assert!(parse_slug(good).is_some(), "{good}");
        }
        for bad in [
            "",
            "a",
            "ab",
            "Shop",
            "1shop",
            "shop-",
            "sh_op",
            "www",
            "api",
            "admin",
            "dashboard",
            "p",
            "shöp",
            "a.b",
        ] {
            assert!(parse_slug(bad).is_none(), "{bad}");
        }
        assert!(parse_slug(&"a".repeat(41)).is_none());
    }
}
