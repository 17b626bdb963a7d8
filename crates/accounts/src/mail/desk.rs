//! What operators do about mails: see what became of them, read the development inbox, and write templates.

use super::template::{Rendered, SignInPlace, Source, Values};
use super::{Template, built_in, texts};
use crate::Accounts;
use crate::error::Error;
use crate::jobs::{name_of, place};
use crate::language::Language;
use crate::notices::Notice;
use crate::rows::{mails, templates};
use crate::views::{MailHeadView, MailTemplateView, MailView};
use gate::{By, ListQuery, Problem, Project};
use kernel::{Code, Page, Stamp};
use serde_json::{Value, json};
use store::WriteTx;
use uuid::Uuid;

impl Accounts {
    /// Mails, the newest first, all or those of one status.
    pub async fn list_mails(
        &self,
        project: &Project,
        status: Option<&str>,
        query: &ListQuery,
    ) -> Result<Page<MailHeadView>, Error> {
        let key = project.derive_key("cursor");
        let name = format!("mails {status:?}");
        let before = match &query.cursor {
            None => None,
            Some(cursor) => Some(opened(&key, &name, cursor)?),
        };
        let mut rows = mails::page(&project.db, status, before, query.fetch()).await?;
        let limit = usize::try_from(query.limit).unwrap_or(usize::MAX);
        let is_more = rows.len() > limit;
        rows.truncate(limit);
        let last = rows.last().filter(|_| is_more).map(|row| row.id);
        let total = match query.count {
            true => Some(mails::count(&project.db, status).await?),
            false => None,
        };
        Ok(Page {
            next_cursor: last.map(|id| gate::sign_cursor(&key, &json!([name, id]))),
            items: rows.into_iter().map(MailHeadView::new).collect(),
            total,
        })
    }

    /// One mail, with what it says while it is in the development inbox.
    pub async fn get_mail(&self, project: &Project, id: Uuid) -> Result<MailView, Error> {
        let row = mails::get(&project.db, id).await?;
        let row = row.ok_or(Error::NoSuchMail)?;
        let sealed = row.content.as_ref().filter(|_| row.status == "caught");
        let content: Option<Rendered> = match sealed {
            None => None,
            Some(sealed) => {
                let plain = project.open(&place(id), sealed)?;
                Some(serde_json::from_slice(&plain).map_err(|_| Error::Sealed("a mail"))?)
            }
        };
        Ok(MailView::new(row, content))
    }

    /// Empties the development inbox.
    pub async fn clear_mails(&self, project: &Project) -> Result<(), Error> {
        let clear =
            async move |tx: &WriteTx| -> Result<(), Error> { Ok(mails::delete_caught(tx).await?) };
        project.db.write(clear).await
    }

    /// All templates in all languages: the project's own, else those that are built in.
    pub async fn list_templates(&self, project: &Project) -> Result<Vec<MailTemplateView>, Error> {
        let own = templates::all(&project.db).await?;
        let mut all = Vec::new();
        for template in Template::ALL {
            for language in Language::ALL {
                let (name, tag) = (template.as_str(), language.as_str());
                let row = own
                    .iter()
                    .find(|row| row.name == name && row.language == tag);
                all.push(view(template, language, row));
            }
        }
        Ok(all)
    }

    /// One template in one language.
    pub async fn get_template(
        &self,
        project: &Project,
        (template, language): (Template, Language),
    ) -> Result<MailTemplateView, Error> {
        let row = templates::get(&project.db, template.as_str(), language.as_str()).await?;
        Ok(view(template, language, row.as_ref()))
    }

    /// What a mail is made of.
    pub(crate) async fn template(
        &self,
        project: &Project,
        template: Template,
        language: Language,
    ) -> Result<Source, Error> {
        let row = templates::get(&project.db, template.as_str(), language.as_str()).await?;
        Ok(row.map_or_else(|| built_in(template, language), source))
    }

    /// Gives the project a template of its own.
    pub async fn put_template(
        &self,
        project: &Project,
        by: &By,
        (template, language): (Template, Language),
        source: Source,
    ) -> Result<MailTemplateView, Error> {
        let row = templates::Model {
            name: template.as_str().to_owned(),
            language: language.as_str().to_owned(),
            subject: source.subject,
            html: source.html,
            text: source.text,
            updated_at: by.now.time(),
        };
        let made = view(template, language, Some(&row));
        let entry = by.did("mail_template.write", target(template, language), json!({}));
        let put = async move |tx: &WriteTx| -> Result<(), Error> {
            templates::put(tx, row.clone()).await?;
            Ok(gate::audit::record(tx, entry.clone()).await?)
        };
        project.db.write(put).await?;
        Ok(made)
    }

    /// Goes back to the built-in template.
    pub async fn reset_template(
        &self,
        project: &Project,
        by: &By,
        (template, language): (Template, Language),
    ) -> Result<(), Error> {
        let entry = by.did("mail_template.reset", target(template, language), json!({}));
        let reset = async move |tx: &WriteTx| -> Result<(), Error> {
            templates::delete(tx, template.as_str(), language.as_str()).await?;
            Ok(gate::audit::record(tx, entry.clone()).await?)
        };
        project.db.write(reset).await
    }

    /// A mail as it would be, with made-up values.
    #[must_use]
    pub fn preview(&self, project: &Project, template: Template, source: &Source) -> Rendered {
        let settings = project.settings();
        let is_link = template != Template::Code;
        source.render(&Values {
            project: name_of(project),
            email: "ada@example.com".to_owned(),
            new_email: "ada.lovelace@example.com".to_owned(),
            link: match is_link {
                true => format!("{}/v1/auth/pages/example", project.issuer),
                false => String::new(),
            },
            code: if is_link {
                String::new()
            } else {
                "123456".to_owned()
            },
            minutes: template.life().as_secs() / 60,
            color: settings.brand.color().to_owned(),
            team: "Analytical Engines".to_owned(),
            sign_in: match template {
                Template::NewDevice => SignInPlace {
                    time: "2026-01-02 03:04 UTC".to_owned(),
                    device: "Firefox, Linux".to_owned(),
                    network: "192.0.2.1".to_owned(),
                },
                _ => SignInPlace::default(),
            },
            notice: texts(Language::default())
                .notice(Notice::PasskeyAdded)
                .to_owned(),
        })
    }
}

fn target(template: Template, language: Language) -> String {
    format!("{}/{}", template.as_str(), language.as_str())
}

fn source(row: templates::Model) -> Source {
    Source {
        subject: row.subject,
        html: row.html,
        text: row.text,
    }
}

fn view(
    template: Template,
    language: Language,
    row: Option<&templates::Model>,
) -> MailTemplateView {
    let own = row.cloned().map(source);
    MailTemplateView {
        name: template.as_str().to_owned(),
        language: language.as_str().to_owned(),
        built_in: own.is_none(),
        source: own.unwrap_or_else(|| built_in(template, language)),
        updated_at: row.and_then(|row| Stamp::from_time(row.updated_at)),
    }
}

/// The id in a cursor of this list.
fn opened(key: &[u8; 32], name: &str, cursor: &str) -> Result<Uuid, Problem> {
    let value = gate::open_cursor(key, cursor)?;
    let text = |i: usize| value.get(i).and_then(Value::as_str);
    if text(0) != Some(name) {
        return Err(Code::CursorMismatch.into());
    }
    let id = text(1).and_then(kernel::parse_id);
    id.ok_or_else(|| Code::InvalidCursor.into())
}
