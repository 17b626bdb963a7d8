//! Fields of the developer's own by which users are known when they sign in: what they must be, and that they stay so.

use crate::error::DataError;
use crate::fields::Type;
use crate::model::{Collection, CollectionKind, Field};
use crate::service::Data;
use gate::{Problem, Project};
use kernel::{Code, FieldError};

/// What such a field must be, as a sentence.
const NEEDED: &str = "An identity must be email, username, phone, or a unique text field of users.";

/// Whether a field tells one user from all others by a text.
fn fits(field: &Field) -> bool {
    field.unique && !field.system && matches!(field.kind, Type::Text(_) | Type::Email)
}

impl Data {
    /// What is wrong with a project's identities, each at its place in `sign_in.identities` of the settings.
    pub async fn identity_faults(
        &self,
        project: &Project,
        identities: &[String],
    ) -> Result<Vec<FieldError>, DataError> {
        let schema = self.schema(project).await?;
        let users = schema.collection("users")?;
        let built_in = |name: &str| ["email", "username", "phone"].contains(&name);
        let wrong = |name: &str| !built_in(name) && !users.def.field(name).is_some_and(fits);
        let faults = identities.iter().enumerate();
        let faults = faults.filter(|(_, name)| wrong(name));
        let faults = faults.map(|(i, _)| FieldError {
            path: format!("/sign_in/identities/{i}"),
            code: "not_an_identity",
            message: NEEDED.to_owned(),
        });
        Ok(faults.collect())
    }
}

/// Refuses a change that takes away what users sign in with: the settings must let go of it first.
pub(crate) fn demand(project: &Project, after: &Collection) -> Result<(), DataError> {
    if after.kind != CollectionKind::Users {
        return Ok(());
    }
    let settings = project.settings();
    let own = settings.sign_in.own_fields();
    let lost = own.filter(|name| !after.field(name).is_some_and(fits));
    let errors: Vec<FieldError> = lost
        .map(|name| {
            let message = format!(
                "Users sign in with {name:?}: take it out of sign_in.identities in the project's settings first."
            );
            FieldError::at("fields", "an_identity", message)
        })
        .collect();
    if errors.is_empty() {
        return Ok(());
    }
    Err(Problem::new(Code::Referenced).errors(errors).into())
}
