//! Mails that tell a user that another way to prove who it is was added, removed or used. They hold no secret, so they
//! are made at once, with the act that they tell of.

use crate::Accounts;
use crate::error::Error;
use crate::mail::template::Values;
use crate::mail::{COUNTED, Template, Wish, address_key, texts};
use crate::rows::mails;
use crate::service::Ask;
use uuid::Uuid;

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Notice {
    PasskeyAdded,
    PasskeyRemoved,
    TotpAdded,
    TotpRemoved,
    RecoveryRenewed,
    RecoveryUsed,
    FactorsReset,
}

impl Notice {
    #[cfg(test)]
    pub(crate) const ALL: [Self; 7] = [
        Self::PasskeyAdded,
        Self::PasskeyRemoved,
        Self::TotpAdded,
        Self::TotpRemoved,
        Self::RecoveryRenewed,
        Self::RecoveryUsed,
        Self::FactorsReset,
    ];

    /// What its text is called.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::PasskeyAdded => "passkey_added",
            Self::PasskeyRemoved => "passkey_removed",
            Self::TotpAdded => "totp_added",
            Self::TotpRemoved => "totp_removed",
            Self::RecoveryRenewed => "recovery_renewed",
            Self::RecoveryUsed => "recovery_used",
            Self::FactorsReset => "factors_reset",
        }
    }
}

impl Accounts {
    /// The row of a mail that tells it; none where the user has no address, or was told
    /// of too much. It is written with what it tells of.
    pub(crate) async fn notice(
        &self,
        ask: &Ask,
        user: Uuid,
        notice: Notice,
    ) -> Result<Option<mails::Model>, Error> {
        let user = self.inner.directory.get(&ask.project, user).await?;
        let Some(email) = user.and_then(|user| user.email) else {
            return Ok(None);
        };
        // Whoever has been told so often in an hour knows; and nobody is flooded by who signed up with his address.
        let since = ask.now.minus(COUNTED);
        let told = mails::count_notices(&ask.project.db, &address_key(&email), since).await?;
        if told >= u64::from(self.inner.config.mail.mails_per_recipient_hour) {
            return Ok(None);
        }
        let (template, language) = (Template::SecurityNotice, ask.language);
        let source = self.template(&ask.project, template, language).await?;
        let settings = ask.project.settings();
        let mail = source.render(&Values {
            project: crate::jobs::name_of(&ask.project),
            email: email.clone(),
            notice: texts(language).notice(notice).to_owned(),
            link: settings.brand.app_url.clone(),
            color: settings.brand.color().to_owned(),
            ..Values::default()
        });
        let wish = Wish {
            template,
            recipient: email,
            subject_id: None,
            language,
        };
        let mut row = self.inner.mail(wish, ask.now);
        let plain = serde_json::to_vec(&mail).map_err(|_| Error::Sealed("a mail"))?;
        row.content = Some(ask.project.seal(&crate::jobs::place(row.id), &plain)?);
        Ok(Some(row))
    }
}
