//! The one text of a float, so that SQLite, PostgreSQL and memory answer the same bytes.

/// Fewer digits than these leave no doubt about the last one.
const DOUBTFUL_DIGITS: usize = 14;

/// The shortest JSON text that reads back as the same `f64`, laid out as PostgreSQL's `float8out` does:
/// plain between 1e-4 and 1e15, else with an exponent of at least two digits (`1e+15`, `2.5e-07`).
///
/// Not-a-number and infinities have no JSON; they are refused before they get here and give `null`.
#[must_use]
pub fn float_text(value: f64) -> String {
    let mut text = Vec::new();
    push_float(&mut text, value);
    String::from_utf8(text).unwrap_or_default()
}

/// Appends what [`float_text`] gives.
pub fn push_float(out: &mut Vec<u8>, value: f64) {
    if !push_short(out, value) {
        out.extend_from_slice(long(value).as_bytes());
    }
}

/// Appends a whole number.
pub fn push_integer(out: &mut Vec<u8>, value: i64) {
    if value < 0 {
        out.push(b'-');
    }
    push_digits(out, value.unsigned_abs(), 0);
}

/// Appends a number of so many decimals.
fn push_digits(out: &mut Vec<u8>, mut digits: u64, decimals: usize) {
    let begin = out.len();
    let mut written = 0;
    // From the last digit on.
    while digits > 0 || written <= decimals {
        if written == decimals && decimals > 0 {
            out.push(b'.');
        }
        out.push(b'0' + (digits % 10) as u8);
        (digits, written) = (digits / 10, written + 1);
    }
    if let Some(number) = out.get_mut(begin..) {
        number.reverse();
    }
}

fn long(value: f64) -> String {
    if !value.is_finite() {
        return "null".to_owned();
    }
    if value == 0.0 {
        return if value.is_sign_negative() { "-0" } else { "0" }.to_owned();
    }
    if (1e-4..1e15).contains(&value.abs()) {
        let text = value.to_string();
        if text.len() < DOUBTFUL_DIGITS {
            return text;
        }
    }
    // `{:e}` gives the shortest round-trip digits as `d.ddde-n`.
    let mut scientific = format!("{value:e}");
    let mut decimals = decimals_of(&scientific);
    if decimals + 1 >= DOUBTFUL_DIGITS {
        // Of two texts that are equally near, PostgreSQL takes the even one, as rounding to so many digits does.
        let even = format!("{value:.decimals$e}");
        if even.parse() == Ok(value) {
            scientific = even;
        }
    }
    // PostgreSQL trusts no reader to round a tie to even: a text halfway to the next double is too short for it.
    while decimals < 16 && is_halfway(value, &scientific) {
        decimals += 1;
        scientific = format!("{value:.decimals$e}");
    }
    let Some((mantissa, exponent)) = scientific.split_once('e') else {
        return scientific;
    };
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if !(-4..15).contains(&exponent) {
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{mantissa}e{sign}{:02}", exponent.unsigned_abs());
    }
    plain(mantissa, exponent)
}

/// The text of a number with at most four decimals and twelve digits, as prices are, for a part of what others cost: a
/// double keeps each such text apart from all others, so the one that reads back is the shortest.
fn push_short(out: &mut Vec<u8>, value: f64) -> bool {
    const SCALE: u64 = 10_000;
    const SCALED_MAX: f64 = 1e12;
    let size = value.abs();
    let scaled = (size * SCALE as f64).round();
    let is_exact = (scaled / SCALE as f64).to_bits() == size.to_bits();
    // Zero has a sign too.
    if !(1.0..SCALED_MAX).contains(&scaled) || !is_exact {
        return false;
    }
    let (mut digits, mut decimals) = (scaled as u64, 4);
    while decimals > 0 && digits.is_multiple_of(10) {
        (digits, decimals) = (digits / 10, decimals - 1);
    }
    if value < 0.0 {
        out.push(b'-');
    }
    push_digits(out, digits, decimals);
    true
}

/// Digits behind the point of `d.ddden`.
fn decimals_of(scientific: &str) -> usize {
    let mantissa = scientific.split('e').next().unwrap_or_default();
    mantissa.split_once('.').map_or(0, |(_, rest)| rest.len())
}

/// The same digits without an exponent, which is one of -4 to 14.
fn plain(mantissa: &str, exponent: i32) -> String {
    let (sign, mantissa) = mantissa
        .strip_prefix('-')
        .map_or(("", mantissa), |m| ("-", m));
    let digits = mantissa.replace('.', "");
    let Ok(exponent) = usize::try_from(exponent) else {
        let zeros = usize::try_from(exponent.unsigned_abs()).unwrap_or(1) - 1;
        return format!("{sign}0.{:0<zeros$}{digits}", "");
    };
    match digits.split_at_checked(exponent + 1) {
        Some((whole, rest)) if !rest.is_empty() => format!("{sign}{whole}.{rest}"),
        _ => format!("{sign}{digits:0<width$}", width = exponent + 1),
    }
}

/// Whether a text lies exactly between `value` and a neighbour of it, or beyond. Below 2^53 and from 10^24 on such a
/// point has more than the 17 digits that a text can have.
fn is_halfway(value: f64, text: &str) -> bool {
    let value = value.abs();
    if !(9_007_199_254_740_992.0..1e24).contains(&value) {
        return false;
    }
    let exact = |value: f64| {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "a whole number within 2^80"
        )]
        let whole = value as i128;
        whole
    };
    let Some(written) = whole(text.trim_start_matches('-')) else {
        return false;
    };
    let twice = 2 * written;
    let below = exact(value.next_down()) + exact(value);
    let above = exact(value) + exact(value.next_up());
    twice <= below || twice >= above
}

/// The whole number that `d.ddden` writes.
fn whole(text: &str) -> Option<i128> {
    let (mantissa, exponent) = text.split_once('e')?;
    let (first, rest) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let exponent: usize = exponent.parse().ok()?;
    let zeros = exponent.checked_sub(rest.len())?;
    format!("{first}{rest}{:0<zeros$}", "").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(
        clippy::excessive_precision,
        reason = "the value is meant whole: it is a tie"
    )]
    fn floats_have_one_text() {
        let cases = [
            (1.0, "1"),
            (-1.5, "-1.5"),
            (0.1, "0.1"),
            (-0.0, "-0"),
            (1e14, "100000000000000"),
            (123_456_789_012_345.6, "123456789012345.6"),
            (1e15, "1e+15"),
            (1.5e300, "1.5e+300"),
            (0.0001, "0.0001"),
            (0.000_012, "1.2e-05"),
            (5e-324, "5e-324"),
            (f64::MAX, "1.7976931348623157e+308"),
            // Halfway to the next double, where PostgreSQL wants more digits.
            (-562_830_880_572_195_968.0, "-5.6283088057219597e+17"),
            (983_455_942_440_999_936.0, "9.834559424409999e+17"),
            // As near to one text as to another, where PostgreSQL takes the even one.
            (199_138_850_438_087.125, "199138850438087.12"),
            (1.125_899_906_842_624_25e15, "1.1258999068426242e+15"),
            (2.980_232_238_769_531_25e-8, "2.9802322387695312e-08"),
            (-123_456.75, "-123456.75"),
            (0.000_123, "0.000123"),
        ];
        for (value, want) in cases {
            assert_eq!(float_text(value), want);
        }
    }

    proptest::proptest! {
        #[test]
        fn whole_numbers_are_those_of_the_long_way(value: i64, shift in 0u32..64) {
            let value = value >> shift;
            let mut text = b"x".to_vec();
            super::push_integer(&mut text, value);
            proptest::prop_assert_eq!(String::from_utf8(text).unwrap(), format!("x{value}"));
        }

        #[test]
        fn short_texts_are_those_of_the_long_way(whole: u32, part in 0u32..100_000, negative: bool) {
            let value: f64 = format!("{whole}.{part:05}").parse().unwrap();
            let value = if negative { -value } else { value };
            let mut text = Vec::new();
            if super::push_short(&mut text, value) {
                proptest::prop_assert_eq!(String::from_utf8(text).unwrap(), value.to_string());
            }
        }

        #[test]
        fn float_text_reads_back(bits: u64) {
            let value = f64::from_bits(bits);
            if value.is_finite() {
                let back: f64 = float_text(value).parse().unwrap();
                proptest::prop_assert_eq!(back.to_bits(), value.to_bits());
            }
        }
    }
}
