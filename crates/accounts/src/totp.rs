//! One-time passwords by time (RFC 6238 upon RFC 4226): SHA-1, six digits, steps of 30 seconds, as every app for them
//! takes them.

use crate::error::Error;
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::{hmac, rand};
use kernel::Stamp;

/// Bytes of a secret (RFC 4226, section 4: "a length of 160 bits" is recommended).
pub(crate) const SECRET_BYTES: usize = 20;
/// Seconds of a step (RFC 6238, section 4.1).
const STEP_SECONDS: i64 = 30;
/// How many steps the clocks of phones may be off, before and behind (RFC 6238, section 5.2).
const SKEW: i64 = 1;
/// What secrets are written with (RFC 4648, section 6).
const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// A new secret.
pub(crate) fn fresh() -> Result<[u8; SECRET_BYTES], Error> {
    let mut bytes = [0; SECRET_BYTES];
    rand::fill(&mut bytes).map_err(|_| Error::Crypto)?;
    Ok(bytes)
}

/// The step in which the code is good, if it is at the moment. Whether the step was used before is the caller's to
/// judge.
pub(crate) fn step_of(secret: &[u8], code: &str, now: Stamp) -> Option<i64> {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret);
    let present = now.unix_seconds().div_euclid(STEP_SECONDS);
    let mut found = None;
    // All are looked at, so that the time tells nothing.
    for step in present - SKEW..=present + SKEW {
        let good = password(&key, step);
        if verify_slices_are_equal(good.as_bytes(), code.as_bytes()).is_ok() {
            found = Some(step);
        }
    }
    found
}

/// The code of a step (RFC 4226, section 5.3).
fn password(key: &hmac::Key, step: i64) -> String {
    let tag = hmac::sign(key, &step.to_be_bytes());
    let tag = tag.as_ref();
    let offset = tag.last().map_or(0, |last| usize::from(last & 15));
    let number = tag
        .get(offset..offset + 4)
        .and_then(|four| four.try_into().ok())
        .map_or(0, u32::from_be_bytes);
    format!("{:06}", (number & 0x7fff_ffff) % 1_000_000)
}

/// The secret as people type it.
pub(crate) fn base32(bytes: &[u8]) -> String {
    let (mut out, mut bits, mut held) = (String::new(), 0_u32, 0_u32);
    for byte in bytes {
        held = (held << 8) | u32::from(*byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            out.push(char::from(BASE32[((held >> bits) & 31) as usize]));
        }
    }
    if bits > 0 {
        out.push(char::from(BASE32[((held << (5 - bits)) & 31) as usize]));
    }
    out
}

/// The secret as apps read it from a picture (the Key URI Format of Google Authenticator).
pub(crate) fn uri(secret: &[u8], issuer: &str, account: &str) -> String {
    // A colon parts the two, so that neither may hold one.
    let (issuer, account) = (
        percent(&issuer.replace(':', " ")),
        percent(&account.replace(':', " ")),
    );
    let secret = base32(secret);
    format!(
        "otpauth://totp/{issuer}:{account}?secret={secret}&issuer={issuer}&algorithm=SHA1&digits=6&period=30"
    )
}

/// A text within an address (RFC 3986, section 2.3): a space is `%20`, as those apps want it.
fn percent(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Stamp {
        Stamp::from_time(time::OffsetDateTime::from_unix_timestamp(seconds).unwrap()).unwrap()
    }

    #[test]
    fn the_vectors_of_the_standards_come_out() {
        let secret = b"12345678901234567890";
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret);
        // RFC 4226, appendix D.
        let codes = [
            "755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583",
            "399871", "520489",
        ];
        for (step, code) in (0..).zip(codes) {
            assert_eq!(password(&key, step), code);
        }
        // RFC 6238, appendix B, the last six of eight digits.
        for (seconds, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(step_of(secret, code, at(seconds)), Some(seconds / 30));
        }
    }

    #[test]
    fn a_code_is_good_one_step_before_and_behind() {
        let secret = [7; SECRET_BYTES];
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &secret);
        let now = at(1_800_000_000);
        let step = now.unix_seconds() / 30;
        for (off, good) in [(-2, false), (-1, true), (0, true), (1, true), (2, false)] {
            let code = password(&key, step + off);
            assert_eq!(step_of(&secret, &code, now), good.then_some(step + off));
        }
        for bad in ["", "12345", "1234567", "abcdef"] {
            assert_eq!(step_of(&secret, bad, now), None);
        }
    }

    #[test]
    fn secrets_are_written_as_the_standard_says() {
        // RFC 4648, section 10, without padding.
        for (plain, text) in [
            ("", ""),
            ("f", "MY"),
            ("fo", "MZXQ"),
            ("foo", "MZXW6"),
            ("foob", "MZXW6YQ"),
            ("fooba", "MZXW6YTB"),
            ("foobar", "MZXW6YTBOI"),
        ] {
            assert_eq!(base32(plain.as_bytes()), text);
        }
        let uri = uri(b"foobar", "Söhne & Co: x", "a+b@c.de");
        assert_eq!(
            uri,
            "otpauth://totp/S%C3%B6hne%20%26%20Co%20%20x:a%2Bb%40c.de?secret=MZXW6YTBOI&issuer=S%C3%B6hne%20%26%20Co%20%20x&algorithm=SHA1&digits=6&period=30"
        );
    }
}
