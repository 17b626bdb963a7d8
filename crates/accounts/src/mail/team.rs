//! The mail that a team sends to whom it asks to join: there need not be an account, and there is no secret in it.

use super::Template;
use super::template::Values;
use crate::Accounts;
use crate::error::Error;
use crate::jobs::{Fate, Made, name_of, place};
use crate::language::Language;
use crate::rows::{mails, teams};
use gate::Project;
use kernel::Stamp;
use store::WriteTx;

impl Accounts {
    /// What the mail says, while the invitation stands.
    pub(crate) async fn team_mail(
        &self,
        project: &Project,
        row: &mails::Model,
        now: Stamp,
    ) -> Result<Made, Error> {
        let id = row.subject_id.unwrap_or_default();
        let found = teams::invitation(&project.db, id, now).await?;
        let found = found.filter(|found| found.email_key == row.recipient_key);
        let Some(found) = found else {
            return Ok(Made::Not(Fate::Dropped("invitation_over")));
        };
        let Some(team) = teams::get(&project.db, found.team_id).await? else {
            return Ok(Made::Not(Fate::Dropped("invitation_over")));
        };
        let language = Language::parse(&row.language).unwrap_or_default();
        let template = Template::TeamInvite;
        let source = self.template(project, template, language).await?;
        let settings = project.settings();
        let link = match &*settings.brand.app_url {
            "" => project.issuer.clone(),
            app => app.to_owned(),
        };
        let mail = source.render(&Values {
            project: name_of(project),
            email: row.recipient.clone(),
            link,
            minutes: template.life().as_secs() / 60,
            color: settings.brand.color().to_owned(),
            team: team.name,
            ..Values::default()
        });
        let plain = serde_json::to_vec(&mail).map_err(|_| Error::Sealed("a mail"))?;
        let content = project.seal(&place(row.id), &plain)?;
        let row = row.clone();
        let keep = async move |tx: &WriteTx| -> Result<bool, Error> {
            Ok(mails::fill(tx, &row, &content).await?)
        };
        Ok(match project.db.write(keep).await? {
            true => Made::Mail(mail),
            false => Made::Not(Fate::Lost),
        })
    }
}
