//! What the services keep of persons, brought together for accounts: their whole records, and all that is theirs.

use accounts::model::users::UsersFilter;
use accounts::ports::PersonParts;
use data::{Asker, Data, Query};
use files::Files;
use gate::{ListQuery, Problem, Project, UserAuth, Who};
use kernel::{Page, Stamp};
use push::Push;
use serde_json::{Map, Value, json};
use std::sync::OnceLock;
use store::WriteTx;
use uuid::Uuid;

/// The parts of a person that data, files and push keep.
pub struct People {
    pub data: Data,
    pub files: Files,
    /// Push needs accounts, which need this.
    pub push: OnceLock<Push>,
}

impl People {
    fn push(&self) -> Result<&Push, Problem> {
        let push = self.push.get();
        push.ok_or_else(|| Problem::internal("push is not wired yet"))
    }
}

#[async_trait::async_trait(?Send)]
impl PersonParts for People {
    async fn export(
        &self,
        project: &Project,
        user: &UserAuth,
        now: Stamp,
    ) -> Result<Map<String, Value>, Problem> {
        let who = Who::User(user.clone());
        let asker = Asker::new(&who, now, "GET", "", Map::new(), "");
        let records = self.data.records_of(project, &asker).await?;
        let files = self.files.of_uploader(project, user.id).await?;
        let devices = self.push()?.devices_of(project, user.id).await?;
        let parts = [
            ("records", Value::Object(records)),
            ("files", json!(files)),
            ("devices", json!(devices)),
        ];
        let named = parts
            .into_iter()
            .map(|(name, part)| (name.to_owned(), part));
        Ok(named.collect())
    }

    async fn erase(
        &self,
        project: &Project,
        tx: &WriteTx,
        user: Uuid,
        now: Stamp,
    ) -> Result<(), Problem> {
        self.push()?.user_erased(tx, user).await?;
        self.files.forget_uploader(project, tx, user, now).await
    }
}

/// A page of whole records of users.
pub async fn page(
    data: &Data,
    project: &Project,
    filter: &UsersFilter,
    query: &ListQuery,
    now: Stamp,
) -> Result<Page<Map<String, Value>>, Problem> {
    let flags = [
        ("disabled", filter.disabled),
        ("verified", filter.verified),
        ("anonymous", filter.anonymous),
    ];
    let flags = flags.iter().filter_map(|(name, flag)| {
        let flag = (*flag)?;
        Some(format!("{name} == {flag}"))
    });
    let mut all: Vec<String> = flags.collect();
    let mut params = Map::new();
    if let Some(search) = &filter.search {
        let fields = ["email", "username", "phone"];
        let any = fields.map(|field| format!("{field}.matches_like(params.search)"));
        all.push(format!("({})", any.join(" || ")));
        params.insert("search".to_owned(), format!("%{search}%").into());
    }
    let query = Query {
        filter: (!all.is_empty()).then(|| all.join(" && ")),
        params,
        sort: Some("-id".to_owned()),
        limit: Some(query.limit),
        cursor: query.cursor.clone(),
        count: query.count,
        ..Query::default()
    };
    let asker = Asker::server(None, now);
    let page = data.list(project, &asker, "users", &query).await?;
    let read = |doc: store::Doc| {
        serde_json::from_str(&doc.json)
            .map_err(|e| Problem::internal(format!("a stored user is no JSON: {e}")))
    };
    let items: Result<Vec<Map<String, Value>>, Problem> = page.docs.into_iter().map(read).collect();
    Ok(Page {
        items: items?,
        next_cursor: page.next_cursor,
        total: page.total.and_then(|total| u64::try_from(total).ok()),
    })
}

/// The whole record of a user.
pub async fn record(
    data: &Data,
    project: &Project,
    id: Uuid,
    now: Stamp,
) -> Result<Option<Map<String, Value>>, Problem> {
    let asker = Asker::server(None, now);
    let id = id.to_string();
    let found = data
        .get(project, &asker, "users", &id, &Query::default())
        .await;
    match found {
        Ok(doc) => serde_json::from_str(&doc.json)
            .map(Some)
            .map_err(|e| Problem::internal(format!("a stored user is no JSON: {e}"))),
        Err(data::DataError::NoRecord) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
