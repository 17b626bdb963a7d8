//! What is mailed to an address with which somebody signed up, or wants to be known: a link where nobody has it, else
//! word to whoever has it. So only its reader learns which of the two it is.

use super::Template;
use super::template::Values;
use crate::Accounts;
use crate::error::Error;
use crate::jobs::{Fate, Made, name_of, place};
use crate::language::Language;
use crate::links::Secret;
use crate::mail::address_key;
use crate::rows::{mails, sign_ups, tokens};
use crate::sign_ups::PURPOSE;
use gate::Project;
use kernel::Stamp;
use store::WriteTx;

impl Accounts {
    /// What is mailed for a sign-up that waits.
    pub(crate) async fn sign_up_mail(
        &self,
        project: &Project,
        row: &mails::Model,
        now: Stamp,
    ) -> Result<Made, Error> {
        let id = row.subject_id.unwrap_or_default();
        let found = sign_ups::get(&project.db, id, now).await?;
        let found = found.filter(|found| found.email_key == row.recipient_key);
        let Some(found) = found else {
            return Ok(Made::Not(Fate::Dropped("sign_up_over")));
        };
        let directory = &self.inner.directory;
        let taken = directory.find(project, "email", &row.recipient).await?;
        if taken.is_some() {
            return self.known_mail(project, row).await;
        }
        let secret = Secret::fresh(Template::Verify)?;
        let link = format!(
            "{}/v1/auth/pages/sign-up?token={}",
            project.issuer,
            secret.code()
        );
        let ends = now.plus(Template::Verify.life()).time();
        let token = tokens::Model {
            hash: secret.hash(None),
            purpose: PURPOSE.to_owned(),
            user_id: found.id,
            state: String::new(),
            change_id: None,
            claimed_until: None,
            created_at: now.time(),
            expires_at: ends.min(found.expires_at),
            extra: None,
        };
        self.told(project, row, (Template::Verify, link), Some(token))
            .await
    }

    /// What is mailed to whoever has the address already. There is no secret in it.
    pub(crate) async fn known_mail(
        &self,
        project: &Project,
        row: &mails::Model,
    ) -> Result<Made, Error> {
        let directory = &self.inner.directory;
        let user = directory.find(project, "email", &row.recipient).await?;
        // The lookup may be kinder than we are, and who may not sign in needs no word of how to.
        let own = |email: &String| address_key(email) == row.recipient_key;
        let user = user.filter(|user| !user.disabled && user.email.as_ref().is_some_and(own));
        if user.is_none() {
            return Ok(Made::Not(Fate::Dropped("address_taken")));
        }
        let link = match &*project.settings().brand.app_url {
            "" => project.issuer.clone(),
            app => app.to_owned(),
        };
        self.told(project, row, (Template::AccountExists, link), None)
            .await
    }

    /// Makes the mail of this template, and keeps the secret in it.
    async fn told(
        &self,
        project: &Project,
        row: &mails::Model,
        (template, link): (Template, String),
        token: Option<tokens::Model>,
    ) -> Result<Made, Error> {
        let language = Language::parse(&row.language).unwrap_or_default();
        let source = self.template(project, template, language).await?;
        let mail = source.render(&Values {
            project: name_of(project),
            email: row.recipient.clone(),
            link,
            minutes: template.life().as_secs() / 60,
            color: project.settings().brand.color().to_owned(),
            ..Values::default()
        });
        let plain = serde_json::to_vec(&mail).map_err(|_| Error::Sealed("a mail"))?;
        let content = project.seal(&place(row.id), &plain)?;
        let row = row.clone();
        let keep = async move |tx: &WriteTx| -> Result<bool, Error> {
            if !mails::fill_as(tx, &row, template.as_str(), &content).await? {
                return Ok(false);
            }
            if let Some(token) = &token {
                tokens::replace(tx, token.clone()).await?;
            }
            Ok(true)
        };
        Ok(match project.db.write(keep).await? {
            true => Made::Mail(mail),
            false => Made::Not(Fate::Lost),
        })
    }
}
