//! The built-in collection of users, for whoever keeps their credentials: find, get, make.

mod forms;
mod profile;

pub use forms::{NewUser, User, UserChange, username_key};

use crate::error::DataError;
use crate::query;
use crate::records::{self, Keeper};
use crate::rows;
use crate::schema::{Loaded, Rule, Schema};
use crate::service::{Asker, Data, allows, allows_outside};
use crate::sql::plan::Plan;
use crate::sql::projection::Projection;
use crate::sql::write::Assign;
use crate::sql::{list, write};
use gate::{Problem, Project, UserAuth, Who, email_key};
use kernel::{Stamp, parse_id};
use profile::{check_profile, values};
use rules::{Env, Row};
use sea_orm::{Statement, Value};
use serde_json::{Map, Value as Json};
use std::sync::Arc;
use store::{Action, ChangeIn, Doc, WriteTx};
use uuid::Uuid;

impl Data {
    /// The user whose `field` is `value`: `email`, `username` and `phone` in the form in which they are compared, or a
    /// unique text field of the developer's. None where there is no such field.
    pub async fn find_user(
        &self,
        project: &Project,
        field: &str,
        value: &str,
    ) -> Result<Option<User>, DataError> {
        let find = async |schema: &Arc<Schema>| {
            let users = schema.collection("users")?;
            let backend = project.db.backend();
            let (column, key) = match field {
                "email" => ("email_key", email_key(value)),
                "username" => ("username_key", username_key(value)),
                "phone" => ("phone", value.to_owned()),
                own => match users.def.field(own) {
                    Some(own) if !own.system && own.unique && own.case_insensitive => {
                        let plan = list::one_folded(users, &own.name, backend);
                        let key = Value::String(Some(value.to_ascii_lowercase()));
                        return self.user(project, users, &plan, key).await;
                    }
                    Some(own) if !own.system && own.unique => (own.name.as_str(), value.to_owned()),
                    _ => return Ok(None),
                },
            };
            let key = Value::String(Some(key));
            if column == "email_key" {
                let plan = users
                    .find_plan
                    .get_or_init(|| list::one_by(users, column, backend));
                return self.user(project, users, plan, key).await;
            }
            let plan = list::one_by(users, column, backend);
            self.user(project, users, &plan, key).await
        };
        self.steady(project, find).await
    }

    /// The user with this id.
    pub async fn get_user(&self, project: &Project, id: Uuid) -> Result<Option<User>, DataError> {
        let get = async |schema: &Arc<Schema>| {
            let users = schema.collection("users")?;
            let projection = Projection {
                columns: users.columns(true),
                masked: false,
                expand: Vec::new(),
            };
            let backend = project.db.backend();
            let [open, _] = &users.view_plans;
            let rule = query::view_rule(users, true);
            let plan = open.get_or_init(|| list::one(users, rule, &projection, backend, false));
            self.user(project, users, plan, Value::Uuid(Some(id))).await
        };
        self.steady(project, get).await
    }

    async fn user(
        &self,
        project: &Project,
        users: &Loaded,
        plan: &Plan,
        value: Value,
    ) -> Result<Option<User>, DataError> {
        let request = rules::Request::default();
        let env = Env {
            auth: None,
            request: &request,
            now: "",
            params: &Map::new(),
            record: None,
            next: None,
        };
        let statement = plan
            .statement(&env, |_| value.clone())
            .map_err(|e| Problem::internal(format!("a statement could not be bound: {e}")))?;
        let Some(doc) = project.db.docs(statement).await?.pop() else {
            return Ok(None);
        };
        let row = parsed(&doc)?;
        let own = async |rule: &Rule, asker: &Asker| {
            allows_outside(rule, asker, &project.db, &row, &row).await
        };
        read(users, &row, own).await.map(Some)
    }

    /// The user with this id as it stands in the open transaction, locked until its end where the engine locks rows.
    pub async fn lock_user(
        &self,
        project: &Project,
        tx: &WriteTx,
        id: Uuid,
    ) -> Result<Option<User>, DataError> {
        let schema = self.schema_within(project, tx).await?;
        let users = schema.collection("users")?;
        let Some(row) = locked(tx, users, id).await? else {
            return Ok(None);
        };
        let own =
            async |rule: &Rule, asker: &Asker| allows(rule, asker, tx, &row, Some(&row)).await;
        read(users, &row, own).await.map(Some)
    }

    /// Changes what only the server may change of a user. The address must not be taken:
    /// [`store::StoreError::Unique`] otherwise.
    pub async fn update_user(
        &self,
        project: &Arc<Project>,
        tx: &WriteTx,
        id: Uuid,
        change: &UserChange,
    ) -> Result<(), DataError> {
        let schema = self.schema_within(project, tx).await?;
        let users = schema.collection("users")?;
        let before = locked(tx, users, id).await?.ok_or(DataError::NoRecord)?;
        let mut set = Vec::new();
        let mut assign = |name: &str, value| set.push((name.to_owned(), Assign::Value(value)));
        if let Some(email) = &change.email {
            let email = email.as_deref();
            assign("email", Value::String(email.map(|e| e.trim().to_owned())));
            assign("email_key", Value::String(email.map(email_key)));
        }
        if let Some(name) = &change.username {
            assign("username", Value::String(name.clone()));
            assign(
                "username_key",
                Value::String(name.as_deref().map(username_key)),
            );
        }
        if let Some(phone) = &change.phone {
            assign("phone", Value::String(phone.clone()));
        }
        let flags = [
            ("verified", change.verified),
            ("phone_verified", change.phone_verified),
            ("disabled", change.disabled),
            ("anonymous", change.anonymous),
        ];
        for (name, flag) in flags {
            if let Some(flag) = flag {
                assign(name, Value::Bool(Some(flag)));
            }
        }
        let fields: Vec<&str> = set.iter().map(|(name, _)| name.as_str()).collect();
        let fields = serde_json::to_string(&fields).unwrap_or_default();
        let now = Value::TimeDateTimeWithTimeZone(Some(change.now.time()));
        set.push(("updated_at".to_owned(), Assign::Value(now)));
        let statement = write::update(users, id, set, tx.backend());
        let met = rows::write(tx, statement).await?;
        met.ok_or(DataError::NoRecord)?;
        let names = users.witness.iter();
        let old = names.filter_map(|name| Some((name.clone(), before.get(name)?.clone())));
        let witness = (!users.witness.is_empty()).then(|| Json::Object(old.collect()).to_string());
        let logged = ChangeIn {
            collection: "users".to_owned(),
            record: id.to_string(),
            action: Action::Update,
            fields,
            actor: change.actor.clone(),
            witness,
            before: None,
            after: None,
            at: change.now,
        };
        let version = tx.log_change_under(logged).await?;
        records::unchanged(tx, users, version).await?;
        if change.profile.is_empty() {
            return Ok(());
        }
        let asker = Asker::server(change.actor.clone(), change.now);
        self.merge_within(project, &asker, tx, users, id, change.profile.clone())
            .await
    }

    /// Removes a user in the open transaction, with the records that go with it; others' relations to it become null,
    /// or keep it from going: [`DataError::Referenced`]. Rules are not asked.
    pub async fn erase_user(
        &self,
        project: &Arc<Project>,
        tx: &WriteTx,
        id: Uuid,
        now: Stamp,
        actor: Option<String>,
    ) -> Result<(), DataError> {
        let schema = self.schema_within(project, tx).await?;
        let asker = Asker::server(actor, now);
        let users = schema.collection("users")?.clone();
        self.remove_within(project, schema, &asker, tx, users, id)
            .await
    }

    /// Checks a new user's own fields, all faults at once, before any password is hashed.
    pub async fn check_user(
        &self,
        project: &Project,
        profile: &Map<String, Json>,
    ) -> Result<(), DataError> {
        let schema = self.schema(project).await?;
        let users = schema.collection("users")?;
        check_profile(users, profile, false)?;
        values(users, profile, None)
            .map(|_| ())
            .map_err(DataError::invalid)
    }

    /// Makes a user; computed defaults see nobody signed in. The address must not be taken: [`store::StoreError::Unique`] otherwise.
    pub async fn create_user(
        &self,
        project: &Project,
        tx: &WriteTx,
        user: &NewUser,
    ) -> Result<User, DataError> {
        let schema = self.schema_within(project, tx).await?;
        let users = schema.collection("users")?;
        let backend = tx.backend();
        check_profile(users, &user.profile, user.trusted)?;
        let asker = match user.trusted {
            true => Asker::server(user.actor.clone(), user.now),
            false => Asker::new(&Who::Anonymous, user.now, "POST", "", Map::new(), ""),
        };
        let (mut values, late) =
            values(users, &user.profile, Some((user, &asker))).map_err(DataError::invalid)?;
        if !late.is_empty() {
            let docs = async |read: Statement| tx.docs(read).await;
            let asked = (backend, docs);
            let faults = records::late(asked, &asker, users, &mut values, &late).await?;
            if !faults.is_empty() {
                return Err(DataError::invalid(faults));
            }
        }
        let row = records::row_of(users, &values);
        let sent = records::ruled(users, &asker, user.profile.keys());
        records::demand_new(tx, &asker, users, &sent, &row).await?;
        let statement = write::insert(users, values.clone(), false, backend);
        let doc = rows::write(tx, statement)
            .await?
            .ok_or(DataError::NoRecord)?;
        let columns = users.columns(true);
        let lists = columns.iter().map(|c| c.name.as_str()).zip(&values);
        let doc = records::put(tx, &asker, users, user.id, (doc, true), lists).await?;
        let keeper = Keeper {
            files: &**self.files(),
            project,
            asker: &asker,
        };
        records::made(tx, keeper, users, user.id, &values).await?;
        let change = ChangeIn {
            collection: "users".to_owned(),
            record: user.id.to_string(),
            action: Action::Create,
            fields: "[]".to_owned(),
            actor: user.actor.clone(),
            witness: None,
            before: None,
            after: None,
            at: user.now,
        };
        let version = tx.log_change_under(change).await?;
        records::unchanged(tx, users, version).await?;
        let row = parsed(&doc)?;
        let own =
            async |rule: &Rule, asker: &Asker| allows(rule, asker, tx, &row, Some(&row)).await;
        read(users, &row, own).await
    }
}

/// The whole record of a user, locked where the engine locks rows.
async fn locked(tx: &WriteTx, users: &Loaded, id: Uuid) -> Result<Option<Row>, DataError> {
    let backend = tx.backend();
    let plan = users.lock_plan.get_or_init(|| {
        let projection = Projection {
            columns: users.columns(true),
            masked: false,
            expand: Vec::new(),
        };
        list::one(users, None, &projection, backend, true)
    });
    let request = rules::Request::default();
    let env = Env {
        auth: None,
        request: &request,
        now: "",
        params: &Map::new(),
        record: None,
        next: None,
    };
    let statement = plan
        .statement(&env, |_| Value::Uuid(Some(id)))
        .map_err(|e| Problem::internal(format!("a statement could not be bound: {e}")))?;
    let doc = tx.docs(statement).await?.pop();
    doc.as_ref().map(parsed).transpose()
}

fn parsed(doc: &Doc) -> Result<Row, DataError> {
    serde_json::from_str(&doc.json)
        .map_err(|e| Problem::internal(format!("a stored user is no JSON: {e}")).into())
}

/// The user of a record. `own` asks a rule of the record, for the user itself.
async fn read(
    users: &Loaded,
    row: &Row,
    own: impl AsyncFn(&Rule, &Asker) -> Result<bool, DataError>,
) -> Result<User, DataError> {
    let id = row
        .get("id")
        .and_then(Json::as_str)
        .and_then(parse_id)
        .ok_or_else(|| Problem::internal("a stored user has no id"))?;
    let flag = |name: &str| row.get(name).and_then(Json::as_bool);
    let (verified, disabled) = (
        flag("verified").unwrap_or(false),
        flag("disabled").unwrap_or(true),
    );
    let text = |name: &str| row.get(name).and_then(Json::as_str).map(str::to_owned);
    let (email, username, phone) = (text("email"), text("username"), text("phone"));
    let (phone_verified, anonymous) = (
        flag("phone_verified").unwrap_or(false),
        flag("anonymous").unwrap_or(false),
    );
    let changed = row.get("updated_at").and_then(Json::as_str);
    let changed = changed.and_then(Stamp::parse);
    let changed = changed.ok_or_else(|| Problem::internal("a stored user has no time"))?;
    let auth = rules::Auth {
        id: id.to_string(),
        email: email.clone(),
        verified,
        anonymous,
        level: 1,
        ..rules::Auth::default()
    };
    let who = Who::User(UserAuth::new(id, Uuid::nil(), Arc::new(auth), changed));
    let asker = Asker::new(&who, changed, "GET", "", Map::new(), "");
    let mut view = Row::new();
    for column in users.columns(false) {
        let shown = match &column.mask {
            None => true,
            Some(mask) => {
                // Neither the present nor the request is known here.
                let reach = mask.resolved.reach();
                !reach.time && !reach.request && own(&Rule::When(mask.clone()), &asker).await?
            }
        };
        let value = row.get(&column.name).filter(|_| shown);
        view.insert(column.name.clone(), value.cloned().unwrap_or(Json::Null));
    }
    Ok(User {
        id,
        email,
        username,
        phone,
        verified,
        phone_verified,
        disabled,
        anonymous,
        view,
    })
}
