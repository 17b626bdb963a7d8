//! What users are known by: the forms of names and of telephone numbers, and which of them a form must bring.

use super::{EMAIL_BYTES_MAX, email_fault};
use gate::{Input, SignInMethods};
use serde_json::{Map, Value};
use unicode_normalization::UnicodeNormalization;

/// Characters of a name to sign in with.
const USERNAME_CHARS: std::ops::RangeInclusive<usize> = 3..=64;
/// Digits of a telephone number (E.164 allows 15; the shortest in use have 7 with their country's).
const PHONE_DIGITS: std::ops::RangeInclusive<usize> = 7..=15;
/// Names that would speak for whoever runs the app.
const RESERVED: [&str; 28] = [
    "abuse",
    "account",
    "admin",
    "administrator",
    "anonymous",
    "api",
    "auth",
    "everyone",
    "guest",
    "help",
    "hostmaster",
    "info",
    "mailer-daemon",
    "me",
    "moderator",
    "no-reply",
    "nobody",
    "noreply",
    "null",
    "operator",
    "owner",
    "postmaster",
    "root",
    "security",
    "support",
    "system",
    "undefined",
    "webmaster",
];

/// What somebody is to be known by.
#[derive(Clone, Debug, Default)]
pub struct Named {
    /// The e-mail address, trimmed and otherwise as it was spelled.
    pub email: Option<String>,
    /// The name to sign in with, as it was spelled.
    pub username: Option<String>,
    /// The telephone number (E.164).
    pub phone: Option<String>,
}

impl Named {
    /// Reads `email`, and of `username` and `phone` those that the project knows users by; the others are left to the
    /// profile, which has no such fields.
    pub(crate) fn read(input: &mut Input, methods: &SignInMethods) -> Self {
        let username = methods.knows_by("username");
        let phone = methods.knows_by("phone");
        Self {
            email: optional_address(input, "email"),
            username: username.then(|| optional_username(input)).flatten(),
            phone: phone.then(|| optional_phone(input, "phone")).flatten(),
        }
    }

    /// Notes that none of the identities was brought, if so. `profile` may hold those of the developer's own.
    pub(crate) fn demand_one(
        &self,
        input: &mut Input,
        methods: &SignInMethods,
        profile: &Map<String, Value>,
    ) {
        let has = |name: &str| match name {
            "email" => self.email.is_some(),
            "username" => self.username.is_some(),
            "phone" => self.phone.is_some(),
            own => profile.get(own).is_some_and(|value| !value.is_null()),
        };
        let names = &methods.identities;
        // What was brought and has a fault of its own is not missing as well.
        if names.iter().any(|name| has(name) || input.has_fault(name)) {
            return;
        }
        let (first, message) = match &names[..] {
            [] => return,
            [one] => (one, "This is required.".to_owned()),
            [first, ..] => (
                first,
                format!("One of these is required: {}.", names.join(", ")),
            ),
        };
        input.fault(first, "required", message);
    }
}

fn optional_address(input: &mut Input, name: &str) -> Option<String> {
    let text = input.optional_text(name, 1, EMAIL_BYTES_MAX)?;
    let email = text.trim().to_owned();
    if let Some((code, message)) = (!email.is_empty()).then(|| email_fault(&email)).flatten() {
        input.fault(name, code, message);
    }
    Some(email).filter(|email| !email.is_empty())
}

fn optional_username(input: &mut Input) -> Option<String> {
    let text = input.optional_text("username", 1, 1_000)?;
    let name = text.trim().to_owned();
    if let Some((code, message)) = username_fault(&name) {
        input.fault("username", code, message);
    }
    Some(name)
}

/// A name to sign in with that must be there.
pub(crate) fn username(input: &mut Input) -> String {
    let found = optional_username(input);
    if found.is_none() && !input.has_fault("username") {
        input.fault("username", "required", "This is required.");
    }
    found.unwrap_or_default()
}

fn optional_phone(input: &mut Input, name: &str) -> Option<String> {
    let text = input.optional_text(name, 1, 100)?;
    let number = normal_phone(&text);
    if number.is_none() {
        let message = "Write it with its country's code, such as +49 170 1234567.";
        input.fault(name, "not_a_phone", message);
    }
    number
}

/// A telephone number that must be there.
pub(crate) fn phone(input: &mut Input, name: &str) -> String {
    let found = optional_phone(input, name);
    if found.is_none() && !input.has_fault(name) {
        input.fault(name, "required", "This is required.");
    }
    found.unwrap_or_default()
}

/// A telephone number in the one form that is kept and compared (E.164): `+`, the country's code, and digits. What
/// people put between digits is left out; anything else is no number, a national one neither.
#[must_use]
pub fn normal_phone(text: &str) -> Option<String> {
    let digits = text.trim().strip_prefix('+')?;
    let is_between = |c: char| matches!(c, ' ' | '-' | '.' | '/' | '(' | ')' | '\u{a0}');
    let digits: String = digits.chars().filter(|c| !is_between(*c)).collect();
    let fits = PHONE_DIGITS.contains(&digits.len())
        && !digits.starts_with('0')
        && digits.bytes().all(|b| b.is_ascii_digit());
    fits.then(|| format!("+{digits}"))
}

/// What is wrong with a name to sign in with. It is judged as it is compared, too: what is folded away must not hide.
fn username_fault(name: &str) -> Option<(&'static str, String)> {
    let upper = name.nfkc().flat_map(char::to_uppercase);
    let folded: String = upper.flat_map(char::to_lowercase).collect();
    let say = |code, message: &str| Some((code, message.to_owned()));
    let chars = [name.chars().count(), folded.chars().count()];
    let (min, max) = USERNAME_CHARS.into_inner();
    if chars.into_iter().any(|n| n < min) {
        return Some((
            "too_short",
            format!("At least {min} characters are needed."),
        ));
    }
    if chars.into_iter().any(|n| n > max) {
        return Some(("too_long", format!("At most {max} characters are allowed.")));
    }
    if reads_as_another(name) {
        let message = "A name must not hold @ nor begin with +: it would read as another identity.";
        return say("bad_form", message);
    }
    if [name, &folded]
        .into_iter()
        .any(|text| text.contains(is_odd))
    {
        let message = "A name must not hold spaces, control characters or invisible ones.";
        return say("bad_form", message);
    }
    if RESERVED.contains(&&*folded) {
        return say("reserved", "This name is reserved.");
    }
    None
}

/// Whether a name would be taken for an address or a telephone number, as it is written or as it is compared (NFKC).
pub(crate) fn reads_as_another(name: &str) -> bool {
    let compared: String = name.nfkc().collect();
    name.contains('@') || compared.contains('@') || compared.starts_with('+')
}

/// Characters that cannot be seen, or that change how text around them looks.
fn is_odd(c: char) -> bool {
    c.is_control()
        || c.is_whitespace()
        || super::is_invisible(c)
        || matches!(c,
            '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{ffa0}' | '\u{fff0}'..='\u{ffff}'
            | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        let long = "a".repeat(64);
        for good in [
            "ada",
            "Ada.Lovelace",
            "ada_1815",
            "Åsa",
            "李小龙",
            "о'neill",
            &long,
        ] {
            assert_eq!(username_fault(good), None, "{good}");
        }
        let too_long = "a".repeat(65);
        for (bad, code) in [
            ("ab", "too_short"),
            (&*too_long, "too_long"),
            ("ﷺﷺﷺﷺ", "too_long"),
            ("a@b.co", "bad_form"),
            ("a＠b.co", "bad_form"),
            ("+491701234567", "bad_form"),
            ("a b c", "bad_form"),
            ("ada\u{200b}", "bad_form"),
            ("ada\u{202e}x", "bad_form"),
            ("ada\u{3164}", "bad_form"),
            ("ada\u{e0041}", "bad_form"),
            ("a\u{0}da", "bad_form"),
            ("Admin", "reserved"),
            ("ＡＤＭＩＮ", "reserved"),
            ("ⓡⓞⓞⓣ", "reserved"),
        ] {
            assert_eq!(username_fault(bad).map(|f| f.0), Some(code), "{bad:?}");
        }
    }

    #[test]
    fn numbers_have_one_form() {
        for (text, want) in [
            ("+491701234567", Some("+491701234567")),
            (" +49 (170) 123-45.67 ", Some("+491701234567")),
            ("+1/212\u{a0}5550100", Some("+12125550100")),
            ("01701234567", None),
            ("00491701234567", None),
            ("491701234567", None),
            ("+0491701234567", None),
            ("+49", None),
            ("+1234567890123456", None),
            ("+49170abc4567", None),
            ("+49+1701234567", None),
            ("+٤٩١٧٠١٢٣٤٥٦٧", None),
            ("+491701234567;ext=1", None),
            ("", None),
        ] {
            assert_eq!(normal_phone(text).as_deref(), want, "{text:?}");
        }
    }
}
