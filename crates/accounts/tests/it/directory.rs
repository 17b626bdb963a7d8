//! The users of the tests: a directory over a table of its own.

use accounts::ports::{Directory, NewUser, UserChange, UserRow};
use gate::{Problem, Project};
use kernel::{Code, FieldError};
use sea_orm::sea_query::{Alias, ColumnDef, IntoTableRef, Table};
use sea_orm::{
    ActiveModelTrait, ActiveValue, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter,
    QuerySelect,
};
use serde_json::{Map, Value, json};
use store::{Ddl, StoreError, WriteTx};
use uuid::Uuid;

/// The directory's table.
pub mod user {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(schema_name = "project", table_name = "users")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub email: String,
        pub key: String,
        pub name: Option<String>,
        pub verified: bool,
        pub disabled: bool,
        pub roles: Json,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

pub fn users_table(ddl: &mut Ddl) {
    let column = |name: &str| ColumnDef::new(Alias::new(name));
    ddl.table(
        Table::create()
            .table((Alias::new(store::SCHEMA), Alias::new("users")).into_table_ref())
            .col(column("id").uuid().not_null().primary_key())
            .col(column("email").text().not_null())
            .col(column("key").text().not_null().unique_key())
            .col(column("name").text().null())
            .col(column("verified").boolean().not_null())
            .col(column("disabled").boolean().not_null())
            .col(column("roles").json_binary().not_null()),
    );
}

fn row(model: user::Model) -> UserRow {
    let view = json!({"id": model.id, "email": model.email, "name": model.name});
    UserRow {
        id: model.id,
        email: Some(model.email),
        verified: model.verified,
        disabled: model.disabled,
        anonymous: false,
        roles: serde_json::from_value(model.roles).unwrap(),
        view: view.as_object().cloned().unwrap(),
    }
}

pub struct Users;

#[async_trait::async_trait(?Send)]
impl Directory for Users {
    async fn find(&self, project: &Project, identity: &str) -> Result<Option<UserRow>, Problem> {
        let key = identity.trim().to_lowercase();
        Ok(user::Entity::find()
            .filter(user::Column::Key.eq(key))
            .one(&project.db)
            .await?
            .map(row))
    }

    async fn get(&self, project: &Project, id: Uuid) -> Result<Option<UserRow>, Problem> {
        Ok(user::Entity::find_by_id(id)
            .one(&project.db)
            .await?
            .map(row))
    }

    async fn check(&self, _project: &Project, profile: &Map<String, Value>) -> Result<(), Problem> {
        if let Some(unknown) = profile.keys().find(|name| *name != "name") {
            return Err(Problem::new(Code::UnknownField).errors(vec![FieldError::at(
                unknown,
                "unknown_field",
                "There is no such field.",
            )]));
        }
        match profile.get("name") {
            None | Some(Value::String(_)) => Ok(()),
            Some(_) => Err(Problem::validation(vec![FieldError::at(
                "name",
                "not_a_text",
                "This must be a text.",
            )])),
        }
    }

    async fn create(
        &self,
        project: &Project,
        tx: &WriteTx,
        new: NewUser,
    ) -> Result<UserRow, Problem> {
        self.check(project, &new.profile).await?;
        let email = new.email.unwrap();
        let name = new
            .profile
            .get("name")
            .and_then(Value::as_str)
            .map(str::to_owned);
        let model = user::Model {
            id: new.id,
            key: email.to_lowercase(),
            email,
            name,
            verified: false,
            disabled: false,
            roles: json!(["member"]),
        };
        match model
            .clone()
            .into_active_model()
            .insert(tx)
            .await
            .map_err(StoreError::from)
        {
            Ok(_) => Ok(row(model)),
            Err(StoreError::Unique(_)) => Err(Code::IdentityTaken.into()),
            Err(other) => Err(other.into()),
        }
    }

    async fn lock(
        &self,
        _project: &Project,
        tx: &WriteTx,
        id: Uuid,
    ) -> Result<Option<UserRow>, Problem> {
        let found = user::Entity::find_by_id(id)
            .lock_exclusive()
            .one(tx)
            .await?;
        Ok(found.map(row))
    }

    async fn change(
        &self,
        _project: &Project,
        tx: &WriteTx,
        id: Uuid,
        change: UserChange,
    ) -> Result<(), Problem> {
        let mut model = user::ActiveModel {
            id: ActiveValue::Unchanged(id),
            verified: ActiveValue::Set(change.verified),
            ..Default::default()
        };
        if let Some(email) = change.email {
            model.key = ActiveValue::Set(email.to_lowercase());
            model.email = ActiveValue::Set(email);
        }
        match model.update(tx).await.map_err(StoreError::from) {
            Ok(_) => Ok(()),
            Err(StoreError::Unique(_)) => Err(Code::IdentityTaken.into()),
            Err(other) => Err(other.into()),
        }
    }
}
