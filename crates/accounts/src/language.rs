//! The languages that mails and pages speak, and which of them a client asks for.

/// One of the languages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Language {
    /// English.
    #[default]
    En,
    /// German.
    De,
    /// Spanish.
    Es,
    /// French.
    Fr,
    /// Portuguese.
    Pt,
    /// Chinese, in simplified characters.
    Zh,
    /// Japanese.
    Ja,
}

impl Language {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::En,
        Self::De,
        Self::Es,
        Self::Fr,
        Self::Pt,
        Self::Zh,
        Self::Ja,
    ];

    /// Its tag (RFC 5646).
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::De => "de",
            Self::Es => "es",
            Self::Fr => "fr",
            Self::Pt => "pt",
            Self::Zh => "zh",
            Self::Ja => "ja",
        }
    }

    /// The language with exactly this tag.
    #[must_use]
    pub fn parse(tag: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == tag)
    }

    /// The one of ours that an `Accept-Language` likes best (RFC 9110, section 12.5.4), else English. `de-AT` is German.
    #[must_use]
    pub fn negotiate(header: &str) -> Self {
        let mut best: Option<(f32, Self)> = None;
        // Nobody speaks more than that; the rest is somebody who tries us.
        for range in header.split(',').take(30) {
            let mut parts = range.split(';').map(str::trim);
            let tag = parts.next().unwrap_or_default().to_ascii_lowercase();
            let weight = parts.find_map(|part| part.strip_prefix("q="));
            let weight = weight.map_or(Some(1.0), |q| q.parse::<f32>().ok());
            let primary = tag.split('-').next().unwrap_or_default();
            let found = Self::parse(primary).zip(weight.filter(|q| *q > 0.0 && *q <= 1.0));
            if let Some((language, weight)) = found
                && best.is_none_or(|(most, _)| weight > most)
            {
                best = Some((weight, language));
            }
        }
        best.map_or(Self::En, |(_, language)| language)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_of_ours_is_taken() {
        let cases = [
            ("", Language::En),
            ("*", Language::En),
            ("de", Language::De),
            ("de-AT, en;q=0.5", Language::De),
            ("en;q=0.5, fr;q=0.9", Language::Fr),
            ("sv, ja;q=0.1", Language::Ja),
            ("zh-Hant-TW", Language::Zh),
            ("PT-br", Language::Pt),
            ("de;q=0, es;q=0.001", Language::Es),
            ("de;q=x, es;q=2, en", Language::En),
            ("\u{0},;q=,,,", Language::En),
        ];
        for (header, want) in cases {
            assert_eq!(Language::negotiate(header), want, "{header}");
        }
        assert_eq!(Language::negotiate(&"x,".repeat(100_000)), Language::En);
    }
}
