//! The users of the tests: a directory over a table of its own.

use accounts::model::users::UsersFilter;
use accounts::ports::{Directory, NewUser, UserChange, UserRow};
use gate::{ListQuery, Problem, Project};
use kernel::{Code, FieldError, Page, Stamp};
use sea_orm::sea_query::{Alias, ColumnDef, IntoTableRef, Table};
use sea_orm::{
    ActiveModelTrait, ActiveValue, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter,
    QueryOrder, QuerySelect,
};
use serde_json::{Map, Value, json};
use std::sync::Arc;
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
        pub email: Option<String>,
        pub key: Option<String>,
        pub username: Option<String>,
        pub phone: Option<String>,
        pub name: Option<String>,
        pub verified: bool,
        pub phone_verified: bool,
        pub disabled: bool,
        pub anonymous: bool,
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
            .col(column("email").text().null())
            .col(column("key").text().null().unique_key())
            .col(column("username").text().null().unique_key())
            .col(column("phone").text().null().unique_key())
            .col(column("name").text().null())
            .col(column("verified").boolean().not_null())
            .col(column("phone_verified").boolean().not_null())
            .col(column("disabled").boolean().not_null())
            .col(column("anonymous").boolean().not_null())
            .col(column("roles").json_binary().not_null()),
    );
}

fn row(model: user::Model) -> UserRow {
    let view = json!({"id": model.id, "email": model.email, "name": model.name});
    UserRow {
        id: model.id,
        email: model.email,
        username: model.username,
        phone: model.phone,
        verified: model.verified,
        phone_verified: model.phone_verified,
        disabled: model.disabled,
        anonymous: model.anonymous,
        roles: serde_json::from_value(model.roles).unwrap(),
        view: view.as_object().cloned().unwrap(),
    }
}

pub struct Users;

#[async_trait::async_trait(?Send)]
impl Directory for Users {
    async fn find(
        &self,
        project: &Project,
        field: &str,
        value: &str,
    ) -> Result<Option<UserRow>, Problem> {
        let is_it = match field {
            "email" => user::Column::Key.eq(gate::email_key(value)),
            "username" => user::Column::Username.eq(value),
            "phone" => user::Column::Phone.eq(value),
            "name" => user::Column::Name.eq(value),
            _ => return Ok(None),
        };
        Ok(user::Entity::find()
            .filter(is_it)
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
        let name = new
            .profile
            .get("name")
            .and_then(Value::as_str)
            .map(str::to_owned);
        let model = user::Model {
            id: new.id,
            key: new.email.as_deref().map(gate::email_key),
            email: new.email,
            username: new.username,
            phone: new.phone,
            name,
            verified: new.verified,
            phone_verified: new.phone_verified,
            disabled: false,
            anonymous: new.anonymous,
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
        project: &Arc<Project>,
        tx: &WriteTx,
        id: Uuid,
        change: UserChange,
    ) -> Result<(), Problem> {
        self.check(project, &change.profile).await?;
        let set = |flag: Option<bool>| flag.map_or(ActiveValue::NotSet, ActiveValue::Set);
        let text =
            |text: Option<Option<String>>| text.map_or(ActiveValue::NotSet, ActiveValue::Set);
        let key = change.email.clone();
        let key = key.map(|email| email.as_deref().map(gate::email_key));
        let name = change.profile.get("name");
        let name = name.map(|name| name.as_str().map(str::to_owned));
        let model = user::ActiveModel {
            id: ActiveValue::Unchanged(id),
            email: text(change.email),
            key: text(key),
            username: text(change.username),
            phone: text(change.phone),
            name: text(name),
            verified: set(change.verified),
            phone_verified: set(change.phone_verified),
            disabled: set(change.disabled),
            anonymous: set(change.anonymous),
            ..Default::default()
        };
        match model.update(tx).await.map_err(StoreError::from) {
            Ok(_) => Ok(()),
            Err(StoreError::Unique(_)) => Err(Code::IdentityTaken.into()),
            Err(other) => Err(other.into()),
        }
    }

    async fn erase(
        &self,
        _project: &Arc<Project>,
        tx: &WriteTx,
        id: Uuid,
        _now: Stamp,
        _actor: Option<String>,
    ) -> Result<(), Problem> {
        let done = user::Entity::delete_by_id(id).exec(tx).await;
        done.map(drop).map_err(|e| StoreError::from(e).into())
    }

    async fn record(
        &self,
        project: &Project,
        id: Uuid,
        _now: Stamp,
    ) -> Result<Option<Map<String, Value>>, Problem> {
        let found = user::Entity::find_by_id(id).one(&project.db).await?;
        Ok(found.map(whole))
    }

    async fn page(
        &self,
        project: &Project,
        filter: &UsersFilter,
        query: &ListQuery,
        _now: Stamp,
    ) -> Result<Page<Map<String, Value>>, Problem> {
        let mut find = user::Entity::find();
        if let Some(disabled) = filter.disabled {
            find = find.filter(user::Column::Disabled.eq(disabled));
        }
        if let Some(search) = &filter.search {
            find = find.filter(user::Column::Key.contains(search.to_lowercase()));
        }
        if let Some(before) = query.cursor.as_deref().and_then(kernel::parse_id) {
            find = find.filter(user::Column::Id.lt(before));
        }
        let find = find.order_by_desc(user::Column::Id).limit(query.fetch());
        let mut rows = find.all(&project.db).await?;
        let limit = usize::try_from(query.limit).unwrap();
        let is_more = rows.len() > limit;
        rows.truncate(limit);
        let next = rows.last().filter(|_| is_more);
        Ok(Page {
            next_cursor: next.map(|row| row.id.to_string()),
            items: rows.into_iter().map(whole).collect(),
            total: None,
        })
    }
}

/// The whole record, as a key reads it.
fn whole(model: user::Model) -> Map<String, Value> {
    let record = json!({
        "id": model.id, "email": model.email, "username": model.username, "phone": model.phone,
        "verified": model.verified, "phone_verified": model.phone_verified,
        "disabled": model.disabled, "anonymous": model.anonymous, "name": model.name,
        "created_at": "2026-01-02T03:04:05.000000Z", "updated_at": "2026-01-02T03:04:05.000000Z",
    });
    record.as_object().cloned().unwrap()
}
