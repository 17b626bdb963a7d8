//! The words that are built in, in all languages: of mails, until a project writes its own, and of pages.

use super::Template;
use super::template::{Source, escaped};
use crate::language::Language;
use crate::notices::Notice;
use serde::Deserialize;
use std::collections::HashMap;
use std::sync::OnceLock;

const LAYOUT: &str = include_str!("../assets/mail.html");

/// The words of one language.
#[derive(Deserialize)]
pub(crate) struct Texts {
    ignore: String,
    good_for: String,
    mails: HashMap<String, MailText>,
    notices: HashMap<String, String>,
    not_you: String,
    /// The words of pages.
    pub(crate) pages: PageTexts,
}

#[derive(Deserialize)]
struct MailText {
    subject: String,
    lead: String,
    button: String,
    /// Instead of those of all mails.
    good_for: Option<String>,
    ignore: Option<String>,
}

/// The words of pages.
#[derive(Deserialize)]
pub(crate) struct PageTexts {
    pub(crate) invite: PageText,
    pub(crate) verify: PageText,
    pub(crate) reset: PageText,
    pub(crate) change_email: PageText,
    pub(crate) magic_link: PageText,
    pub(crate) end_session: PageText,
    pub(crate) sign_up: PageText,
    pub(crate) bad_link: PageText,
    /// Leads back to the app.
    pub(crate) back: String,
    pub(crate) password: String,
    pub(crate) password_wrong: String,
    pub(crate) new_password: String,
    pub(crate) password_short: String,
    pub(crate) password_long: String,
    pub(crate) password_weak: String,
    pub(crate) busy: String,
    pub(crate) taken: String,
}

impl Texts {
    /// What happened, in words.
    pub(crate) fn notice(&self, notice: Notice) -> &str {
        self.notices.get(notice.as_str()).map_or("", String::as_str)
    }
}

/// The words of one page.
#[derive(Deserialize)]
pub(crate) struct PageText {
    pub(crate) title: String,
    pub(crate) lead: String,
    #[serde(default)]
    pub(crate) button: String,
    /// What is said afterwards.
    #[serde(default)]
    pub(crate) done: String,
    /// What is said when somebody else must agree as well.
    #[serde(default)]
    pub(crate) half: String,
}

fn source(language: Language) -> &'static str {
    match language {
        Language::En => include_str!("../assets/texts/en.json"),
        Language::De => include_str!("../assets/texts/de.json"),
        Language::Es => include_str!("../assets/texts/es.json"),
        Language::Fr => include_str!("../assets/texts/fr.json"),
        Language::Pt => include_str!("../assets/texts/pt.json"),
        Language::Zh => include_str!("../assets/texts/zh.json"),
        Language::Ja => include_str!("../assets/texts/ja.json"),
    }
}

/// The words of a language.
#[expect(
    clippy::expect_used,
    reason = "the files are part of the binary, and a test reads all of them"
)]
pub(crate) fn texts(language: Language) -> &'static Texts {
    static ALL: OnceLock<HashMap<Language, Texts>> = OnceLock::new();
    let all = ALL.get_or_init(|| {
        let read = |one| {
            (
                one,
                serde_json::from_str(source(one)).expect("texts of ours"),
            )
        };
        Language::ALL.into_iter().map(read).collect()
    });
    all.get(&language).expect("a language of ours")
}

/// The mail that is sent unless the project has one of its own.
#[expect(
    clippy::expect_used,
    reason = "the files are part of the binary, and a test reads all of them"
)]
pub(crate) fn built_in(template: Template, language: Language) -> Source {
    let words = texts(language);
    let mail = words.mails.get(template.as_str()).expect("texts of ours");
    if template == Template::SecurityNotice {
        return notice(language, mail);
    }
    let is_notice = template == Template::Linked;
    let (act_html, act_text) = if is_notice {
        (String::new(), "")
    } else if mail.button.is_empty() {
        let code = "<p style=\"font-size:32px;letter-spacing:6px;font-weight:bold\">{{ code }}</p>";
        (code.to_owned(), "{{ code }}")
    } else {
        let style = "display:inline-block;padding:12px 20px;border-radius:6px;background:{{ color }};color:#ffffff;text-decoration:none";
        let button = escaped(&mail.button);
        let link = format!("<p><a href=\"{{{{ link }}}}\" style=\"{style}\">{button}</a></p>");
        (link, "{{ link }}")
    };
    // What only tells something has no end, and nobody asked for it.
    let good_for = match template {
        Template::Linked => "",
        _ => mail.good_for.as_ref().unwrap_or(&words.good_for),
    };
    let ignore = match template {
        Template::NewDevice | Template::Linked => "",
        _ => mail.ignore.as_ref().unwrap_or(&words.ignore),
    };
    // Our own words hold variables, whose braces escaping leaves alone.
    let html = LAYOUT
        .replace("<html>", &format!("<html lang=\"{}\">", language.as_str()))
        .replace("[lead]", &escaped(&mail.lead))
        .replace("[act]", &act_html)
        .replace("[good_for]", &escaped(good_for))
        .replace("[ignore]", &escaped(ignore));
    let mut text = vec![&*mail.lead, act_text, good_for, ignore];
    text.retain(|part| !part.is_empty());
    let text = text.join("\n\n");
    Source {
        subject: mail.subject.clone(),
        html,
        text: format!("{}\n", text.trim_end()),
    }
}

/// A mail that only tells: it has nothing to press, and cannot be ignored.
fn notice(language: Language, mail: &MailText) -> Source {
    let not_you = &texts(language).not_you;
    let html = LAYOUT
        .replace("<html>", &format!("<html lang=\"{}\">", language.as_str()))
        .replace("[lead]", &escaped(&mail.lead))
        .replace("[act]", "<p>{{ notice }}</p>")
        .replace("[good_for]", &escaped(not_you))
        .replace("[ignore]", "");
    Source {
        subject: mail.subject.clone(),
        html,
        text: format!("{}\n\n{{{{ notice }}}}\n\n{not_you}\n", mail.lead),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_language_has_every_text_and_says_it_itself() {
        let mut seen = std::collections::HashSet::new();
        for language in Language::ALL {
            for template in Template::ALL {
                let mail = built_in(template, language);
                assert_eq!(mail.faults(), [], "{language:?} {template:?}");
                assert!(seen.insert(mail.subject.clone()), "{}", mail.subject);
                let act = match template {
                    Template::Code => "{{ code }}",
                    Template::SecurityNotice => "{{ notice }}",
                    Template::Linked => "{{ project }}",
                    _ => "{{ link }}",
                };
                assert!(mail.html.contains(act) && mail.text.contains(act));
                assert!(!mail.html.contains('['), "{}", mail.html);
            }
            for notice in Notice::ALL {
                let said = texts(language).notice(notice);
                assert!(!said.is_empty() && seen.insert(said.to_owned()), "{said}");
            }
            let pages = &texts(language).pages;
            for page in [
                &pages.invite,
                &pages.verify,
                &pages.reset,
                &pages.change_email,
                &pages.magic_link,
                &pages.end_session,
                &pages.sign_up,
            ] {
                assert!(
                    ![&page.title, &page.lead, &page.button, &page.done].contains(&&String::new())
                );
            }
            assert!(!pages.change_email.half.is_empty() && !pages.bad_link.lead.is_empty());
        }
    }
}
