//! Templates of mails: text with `{{ variable }}` and nothing else. There is no code in them, so nothing can run long,
//! and what a variable holds is never read as a template again.

use kernel::FieldError;

/// Bytes of one part of a template at most.
pub(crate) const PART_BYTES_MAX: usize = 65_536;
/// Variables in one part at most: with their bounded values this bounds what is rendered.
const VARIABLES_MAX: usize = 200;
/// Characters that are shown of a value at most; links are shorter.
const VALUE_CHARS_MAX: usize = 2_000;
/// Characters of a subject at most.
const SUBJECT_CHARS_MAX: usize = 300;

/// What a template may name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Variable {
    /// What people know the project by.
    Project,
    /// Whom the mail is for.
    Email,
    /// The address that is to be the account's.
    NewEmail,
    /// Where to go.
    Link,
    /// What to type.
    Code,
    /// For how many minutes it is good.
    Minutes,
    /// The brand's colour.
    Color,
    /// What people call the team that asks.
    Team,
    /// When somebody signed in.
    Time,
    /// With what.
    Device,
    /// From where.
    Network,
    /// What happened.
    Notice,
}

impl Variable {
    const ALL: [(&'static str, Self); 12] = [
        ("project", Self::Project),
        ("email", Self::Email),
        ("new_email", Self::NewEmail),
        ("link", Self::Link),
        ("code", Self::Code),
        ("minutes", Self::Minutes),
        ("color", Self::Color),
        ("team", Self::Team),
        ("time", Self::Time),
        ("device", Self::Device),
        ("network", Self::Network),
        ("notice", Self::Notice),
    ];
}

/// What the variables hold.
#[derive(Clone, Debug, Default)]
pub struct Values {
    /// What people know the project by.
    pub project: String,
    /// Whom the mail is for.
    pub email: String,
    /// The address that is to be the account's.
    pub new_email: String,
    /// Where to go.
    pub link: String,
    /// What to type.
    pub code: String,
    /// For how many minutes it is good.
    pub minutes: u64,
    /// The brand's colour.
    pub color: String,
    /// What people call the team that asks.
    pub team: String,
    /// What happened.
    pub notice: String,
    /// When somebody signed in, and with what, and from where.
    pub sign_in: SignInPlace,
}

/// A sign-in, as people read it.
#[derive(Clone, Debug, Default)]
pub struct SignInPlace {
    /// When.
    pub time: String,
    /// With what.
    pub device: String,
    /// From where.
    pub network: String,
}

impl Values {
    /// What a variable holds: one line of bounded length, whoever wrote it.
    fn of(&self, variable: Variable) -> String {
        let text = match variable {
            Variable::Project => &self.project,
            Variable::Email => &self.email,
            Variable::NewEmail => &self.new_email,
            Variable::Link => &self.link,
            Variable::Code => &self.code,
            Variable::Color => &self.color,
            Variable::Team => &self.team,
            Variable::Time => &self.sign_in.time,
            Variable::Device => &self.sign_in.device,
            Variable::Network => &self.sign_in.network,
            Variable::Notice => &self.notice,
            Variable::Minutes => return self.minutes.to_string(),
        };
        one_line(text, VALUE_CHARS_MAX)
    }
}

/// Without anything that ends a line or hides: a header that it stands in stays one header.
fn one_line(text: &str, max: usize) -> String {
    let is_break = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
    text.chars()
        .map(|c| if is_break(c) { ' ' } else { c })
        .take(max)
        .collect()
}

/// A piece of a part.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Variable(Variable),
}

/// One part of a template, read once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Part(Vec<Piece>);

impl Part {
    /// Reads a part; the sentence says what is wrong with it.
    pub(crate) fn parse(source: &str) -> Result<Self, String> {
        if source.len() > PART_BYTES_MAX {
            return Err(format!("At most {PART_BYTES_MAX} bytes are allowed."));
        }
        let mut pieces = Vec::new();
        let mut rest = source;
        while let Some((before, after)) = rest.split_once("{{") {
            let line = source[..source.len() - after.len()].lines().count();
            let (name, behind) = after
                .split_once("}}")
                .ok_or_else(|| format!("Line {line}: {{{{ is not closed by }}}}."))?;
            let name = name.trim();
            let known = Variable::ALL.iter().find(|(text, _)| *text == name);
            let (_, variable) = known.ok_or_else(|| {
                let names: Vec<&str> = Variable::ALL.iter().map(|(text, _)| *text).collect();
                let shown = one_line(name, 40);
                format!(
                    "Line {line}: there is no variable {shown:?}; there are {}.",
                    names.join(", ")
                )
            })?;
            if pieces.len() >= 2 * VARIABLES_MAX {
                return Err(format!("At most {VARIABLES_MAX} variables are allowed."));
            }
            pieces.push(Piece::Text(before.to_owned()));
            pieces.push(Piece::Variable(*variable));
            rest = behind;
        }
        pieces.push(Piece::Text(rest.to_owned()));
        Ok(Self(pieces))
    }

    fn render(&self, values: &Values, escape: impl Fn(&str) -> String) -> String {
        let mut out = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Text(text) => out.push_str(text),
                Piece::Variable(variable) => out.push_str(&escape(&values.of(*variable))),
            }
        }
        out
    }
}

/// A text as it stands in HTML, between tags or in a quoted attribute.
#[must_use]
pub(crate) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

/// The source of a mail in one language.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[schema(as = MailParts)]
pub struct Source {
    /// The subject: one line.
    pub subject: String,
    /// The mail as HTML; what stands for a variable is escaped.
    pub html: String,
    /// The mail as plain text.
    pub text: String,
}

/// A mail as it is sent.
pub type Rendered = Source;

impl Source {
    /// What is wrong with it, part by part.
    #[must_use]
    pub fn faults(&self) -> Vec<FieldError> {
        let parts = [
            ("subject", &self.subject),
            ("html", &self.html),
            ("text", &self.text),
        ];
        let mut faults = Vec::new();
        if self.subject.contains(char::is_control) {
            let message = "A subject is one line.";
            faults.push(FieldError::at("subject", "bad_template", message));
        }
        for (name, source) in parts {
            if let Err(message) = Part::parse(source) {
                faults.push(FieldError::at(name, "bad_template", message));
            }
        }
        faults
    }

    /// The mail for these values. A part that does not parse, which nobody could save, is sent as it is.
    #[must_use]
    pub fn render(&self, values: &Values) -> Rendered {
        let plain = |source: &str| match Part::parse(source) {
            Ok(part) => part.render(values, str::to_owned),
            Err(_) => source.to_owned(),
        };
        let html = match Part::parse(&self.html) {
            Ok(part) => part.render(values, escaped),
            Err(_) => self.html.clone(),
        };
        Rendered {
            subject: one_line(&plain(&self.subject), SUBJECT_CHARS_MAX),
            html,
            text: plain(&self.text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(subject: &str, html: &str, text: &str) -> Source {
        Source {
            subject: subject.to_owned(),
            html: html.to_owned(),
            text: text.to_owned(),
        }
    }

    fn values(project: &str) -> Values {
        Values {
            project: project.to_owned(),
            email: "ada@example.com".to_owned(),
            link: "https://g.test/?token=a&b".to_owned(),
            minutes: 60,
            ..Values::default()
        }
    }

    #[test]
    fn variables_are_replaced_and_escaped_in_html_alone() {
        let mail = source(
            "{{project}} for {{ email }}",
            "<a href=\"{{ link }}\">{{ project }}</a> {{minutes}}",
            "{{ link }} {{ project }} { } }}",
        );
        assert_eq!(mail.faults(), []);
        let sent = mail.render(&values("<Ada> & \"Sons'"));
        assert_eq!(sent.subject, "<Ada> & \"Sons' for ada@example.com");
        assert_eq!(
            sent.html,
            "<a href=\"https://g.test/?token=a&amp;b\">&lt;Ada&gt; &amp; &quot;Sons&#39;</a> 60"
        );
        assert_eq!(
            sent.text,
            "https://g.test/?token=a&b <Ada> & \"Sons' { } }}"
        );
    }

    #[test]
    fn a_value_is_inert_and_stays_in_its_line() {
        let mail = source("{{ project }}", "{{ project }}", "{{ project }}");
        for evil in [
            "{{7*7}}",
            "{{ link }}",
            "${env}",
            "a\r\nBcc: x@example.com",
            "a\nb\u{2028}c\u{85}d\u{0}",
        ] {
            let sent = mail.render(&values(evil));
            assert_eq!(sent.subject, one_line(evil, 300));
            for part in [sent.subject, sent.html, sent.text] {
                assert!(!part.contains("49") && !part.contains("token"), "{part}");
                assert!(!part.contains(char::is_control), "{part:?}");
            }
        }
        let long = mail.render(&values(&"x".repeat(1_000_000)));
        assert_eq!((long.subject.len(), long.text.len()), (300, 2_000));
    }

    #[test]
    fn what_is_no_template_is_told() {
        let many = "{{ code }}".repeat(201);
        for bad in [
            "{{ config }}",
            "{{ 7*7 }}",
            "{{ code",
            "{{}}",
            "{{ link | safe }}",
            "{{ {{ code }} }}",
            "{{ code.length }}",
            many.as_str(),
        ] {
            let faults = source("s", bad, "t").faults();
            assert_eq!(faults.len(), 1, "{bad}");
            assert_eq!(faults[0].path, "/html");
        }
        assert_eq!(source("a\nb", "", "").faults().len(), 1);
        assert_eq!(source("", &"x".repeat(65_537), "").faults().len(), 1);
        let late = source("s", "a\nb\n{{ x }}", "t").faults();
        assert!(
            late[0].message.starts_with("Line 3:"),
            "{}",
            late[0].message
        );
    }
}
