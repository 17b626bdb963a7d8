//! Acting as a user: a session of a quarter of an hour that cannot be refreshed, names who acts in the user's list of
//! sessions, in its tokens and in the audit log, and may change nothing by which the user signs in.

use crate::Accounts;
use crate::door::{Method, Proof};
use crate::error::Error;
use crate::grants::Granted;
use crate::hooks::Extra;
use crate::model::users::ImpersonateForm;
use crate::rows::{self, session};
use crate::service::{Ask, realm};
use crate::tokens;
use crate::views::users::ImpersonatedView;
use gate::By;
use serde_json::json;
use store::WriteTx;
use uuid::Uuid;

impl Accounts {
    /// Begins a session in which the asker, a key or an operator, acts as a user. Nobody is asked for a factor: it is
    /// not the user who comes in.
    pub async fn impersonate(
        &self,
        ask: &Ask,
        by: &By,
        id: Uuid,
        form: ImpersonateForm,
    ) -> Result<ImpersonatedView, Error> {
        let actor = ask.actor.clone().ok_or(Error::Impersonated)?;
        let begun = self.begin(ask, Proof::one(Method::Impersonation))?;
        let row = session::Model {
            user_id: id,
            expires_at: ask.now.plus(form.life).time(),
            impersonator: Some(actor.clone()),
            ..begun.row
        };
        let detail = json!({ "reason": form.reason, "session": row.id });
        let entry = by.did("user.impersonate", id.to_string(), detail);
        let (this, of, kept) = (self.clone(), ask.clone(), row.clone());
        let open = async move |tx: &WriteTx| -> Result<crate::ports::UserRow, Error> {
            let user = this.inner.directory.lock(&of.project, tx, id).await?;
            let user = user.filter(|user| !user.disabled);
            let user = user.ok_or(Error::NoSuchUser)?;
            rows::delete_stale_sessions(tx, id, of.now).await?;
            rows::insert_session(tx, kept.clone()).await?;
            gate::audit::record(tx, entry.clone()).await?;
            Ok(user)
        };
        let user = ask.project.db.write(open).await?;
        let keys = self.inner.keys.of(&ask.project, ask.now).await?;
        let key = keys
            .current(ask.now)
            .ok_or(Error::Sealed("a project without a signing key"))?;
        let granted = Granted::of(&ask.project.db, &user).await?;
        let holder = tokens::Holder {
            user: id,
            session: row.id,
            level: row.level,
            methods: &row.methods,
            granted: &granted,
            actor: Some(&actor),
        };
        // The project's hook is not asked: these are not the user's tokens.
        let (realm, extra) = (realm(&ask.project), Extra::default());
        let token = tokens::sign(key, realm, holder, ask.now, form.life, &extra);
        Ok(ImpersonatedView {
            user: user.view,
            access_token: token.map_err(|_| Error::Crypto)?,
            token_type: "Bearer",
            expires_in: form.life.as_secs(),
        })
    }
}
