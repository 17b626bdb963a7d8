//! The wire types of mails and of their templates.

use crate::mail::template::{Rendered, Source};
use crate::rows::mails;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// A mail and what became of it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Mail)]
pub struct MailHeadView {
    /// The mail.
    pub id: Uuid,
    /// Which template it is made of.
    pub template: String,
    /// In which language.
    pub language: String,
    /// To whom.
    pub recipient: String,
    /// `queued`; `sent`: a server has it; `caught`: it is in the development inbox; `failed`: it was given up;
    /// `dropped`: there was nobody to send it to, or too many were asked for.
    pub status: String,
    /// Why it failed, was dropped, or waits for another attempt.
    pub reason: Option<String>,
    /// How often it was tried.
    pub attempts: i64,
    /// When it was asked for.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Option<kernel::Stamp>,
    /// When it was done.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub finished_at: Option<kernel::Stamp>,
}

impl MailHeadView {
    pub(crate) fn new(row: mails::Model) -> Self {
        Self {
            id: row.id,
            template: row.template,
            language: row.language,
            recipient: row.recipient,
            status: row.status,
            reason: row.reason,
            attempts: row.attempts,
            created_at: kernel::Stamp::from_time(row.created_at),
            finished_at: row.finished_at.and_then(kernel::Stamp::from_time),
        }
    }
}

/// A mail with what it says.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MailContent)]
pub struct MailView {
    /// The mail.
    #[serde(flatten)]
    pub head: MailHeadView,
    /// Its subject; null unless it is in the development inbox.
    pub subject: Option<String>,
    /// Its HTML.
    pub html: Option<String>,
    /// Its plain text.
    pub text: Option<String>,
}

impl MailView {
    pub(crate) fn new(row: mails::Model, content: Option<Rendered>) -> Self {
        let (mut subject, mut html, mut text) = (None, None, None);
        if let Some(content) = content {
            (subject, html) = (Some(content.subject), Some(content.html));
            text = Some(content.text);
        }
        Self {
            head: MailHeadView::new(row),
            subject,
            html,
            text,
        }
    }
}

/// A page of mails, the newest first.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes a page")]
pub(crate) struct MailPage {
    /// The page's mails, in order.
    items: Vec<MailHeadView>,
    /// Hand this back as `cursor` for the next page; null on the last.
    #[schema(required = true)]
    next_cursor: Option<String>,
    /// All of them, on all pages; only when asked for with `count=exact`.
    #[schema(nullable = false)]
    total: Option<u64>,
}

/// A template of a mail in one language.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MailTemplate)]
pub struct MailTemplateView {
    /// `verify`, `reset`, `change_email_old`, `change_email_new`, `code`, `magic_link`, `invite` or `team_invite`.
    /// `verify`, `reset`, `change_email_old`, `change_email_new`, `code`, `magic_link` or
    /// `security_notice`.
    pub name: String,
    /// `en`, `de`, `es`, `fr`, `pt`, `zh` or `ja`.
    pub language: String,
    /// Whether it is the one that is built in.
    pub built_in: bool,
    /// Its parts.
    #[serde(flatten)]
    pub source: Source,
    /// When the project wrote it; null for a built-in one.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub updated_at: Option<kernel::Stamp>,
}

/// The templates of mails.
#[derive(Debug, Serialize, ToSchema)]
pub struct MailTemplatesView {
    /// Each in each language.
    pub items: Vec<MailTemplateView>,
    /// Always null: there is one page.
    #[schema(required = true)]
    pub next_cursor: Option<String>,
}

/// What a mail is made of. `{{ name }}` stands for a variable: `project`, `email`, `new_email`, `link`, `code`,
/// `minutes`, `color` or `team`. Nothing else is a template's.
/// `minutes`, `color` or `notice`. Nothing else is a template's.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MailTemplateIn {
    /// The subject: one line.
    #[schema(min_length = 1, max_length = 300)]
    pub subject: String,
    /// The mail as HTML, at most 65,536 bytes. What stands for a variable is escaped.
    pub html: String,
    /// The mail as plain text, at most 65,536 bytes.
    pub text: String,
}

/// A mail as it would be.
#[derive(Debug, Serialize, ToSchema)]
pub struct MailPreviewView {
    /// Its parts.
    #[serde(flatten)]
    pub mail: Rendered,
}
