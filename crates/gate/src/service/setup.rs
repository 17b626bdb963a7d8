//! The first operator, made by whoever holds the one-time link that the server printed.

use super::Gate;
use super::operators::{OperatorIn, insert, made};
use crate::audit::{By, record_instance};
use crate::rows::{operators, setup};
use crate::views::OperatorView;
use crate::{Problem, new_token, token_hash};
use kernel::Code;
use store::WriteTx;

impl Gate {
    /// A new link for making the first operator, in the place of all earlier ones; none when there is an operator.
    pub async fn setup_link(&self) -> Result<Option<String>, Problem> {
        if operators::count(&self.0.db).await? > 0 {
            return Ok(None);
        }
        let token = new_token("")?;
        let (hash, at) = (token_hash(&token), self.0.clock.now().time());
        self.0
            .db
            .write(async move |tx: &WriteTx| -> Result<(), Problem> {
                Ok(setup::replace(tx, &hash, at).await?)
            })
            .await?;
        Ok(Some(format!(
            "{}/dashboard/setup?token={token}",
            self.0.public_url
        )))
    }

    /// Makes the first operator, an owner. The token works once, whoever asks at the same time.
    pub async fn set_up(
        &self,
        by: &By,
        token: &str,
        new: OperatorIn,
    ) -> Result<OperatorView, Problem> {
        let hash = token_hash(token);
        // Asked before the password is hashed, so that guesses cost nothing; decided in the transaction.
        if !setup::is_valid(&self.0.db, &hash).await? {
            return Err(self.set_up_refusal().await);
        }
        let row = self.operator_row(by, new).await?;
        let by = By {
            actor: Some(format!("operator:{}", row.id)),
            ..by.clone()
        };
        let (new, entry) = (row.clone(), made(&by, &row));
        let done = self
            .0
            .db
            .write(async move |tx: &WriteTx| -> Result<bool, Problem> {
                if !setup::take(tx, &hash).await? || operators::count(tx).await? > 0 {
                    return Ok(false);
                }
                setup::clear(tx).await?;
                insert(tx, &new).await?;
                record_instance(tx, entry.clone()).await.map(|()| true)
            });
        match done.await? {
            true => Ok(row.into()),
            false => Err(self.set_up_refusal().await),
        }
    }

    async fn set_up_refusal(&self) -> Problem {
        match operators::count(&self.0.db).await {
            Ok(0) => Code::InvalidToken.into(),
            Ok(_) => Code::SetupDone.into(),
            Err(e) => e.into(),
        }
    }
}
