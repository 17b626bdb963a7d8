//! The one text of a float, so that SQLite, PostgreSQL and memory answer the same bytes.

/// The shortest JSON text that reads back as the same `f64`, laid out as PostgreSQL's `float8out` does:
/// plain between 1e-4 and 1e15, else with an exponent of at least two digits (`1e+15`, `2.5e-07`).
///
/// Not-a-number and infinities have no JSON; they are refused before they get here and give `null`.
#[must_use]
pub fn float_text(value: f64) -> String {
    if !value.is_finite() {
        return "null".to_owned();
    }
    if value == 0.0 {
        return if value.is_sign_negative() { "-0" } else { "0" }.to_owned();
    }
    // `{:e}` gives the shortest round-trip digits as `d.ddde-n`.
    let scientific = format!("{value:e}");
    let Some((mantissa, exponent)) = scientific.split_once('e') else {
        return scientific;
    };
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if !(-4..15).contains(&exponent) {
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{mantissa}e{sign}{:02}", exponent.unsigned_abs());
    }
    // Rust prints `f64` in plain notation with the same shortest digits.
    format!("{value}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
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
        ];
        for (value, want) in cases {
            assert_eq!(float_text(value), want);
        }
    }

    proptest::proptest! {
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
