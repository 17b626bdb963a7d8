//! The built-in users: what they see of themselves and of each other, and what their keeper asks for.

use crate::kit::{Kit, U, V, add_user, anon, both, code, faults, key, now, u, v};
use data::{DataError, NewUser, UserChange};
use kernel::Code;
use serde_json::{Value as Json, json};
use store::{StoreError, WriteTx};

both!(
    built_in_fields_are_told,
    addresses_are_for_their_owners,
    system_fields_are_not_written,
    users_are_found,
    identities_of_all_kinds_lead_to_their_user,
    an_erased_user_takes_along_what_goes_with_it,
    profiles_are_checked,
    keys_make_users_too
);

async fn addresses_are_for_their_owners(kit: &Kit) {
    add_user(kit, U, Some("U@Example.com")).await;
    add_user(kit, V, Some("v@example.com")).await;
    let (u_id, v_id) = (U.to_string(), V.to_string());
    let own = kit.get(&u(), "users", &u_id).await.unwrap();
    assert_eq!(
        (&own["email"], &own["verified"], own.get("email_key")),
        (&json!("U@Example.com"), &json!(false), None)
    );
    assert_eq!(
        code(kit.get(&u(), "users", &v_id).await),
        Code::RecordNotFound
    );
    assert_eq!(code(kit.list(&u(), "users", &[]).await), Code::RuleDenied);
    kit.rules("users", json!({"list": "true", "view": "true"}))
        .await
        .unwrap();
    assert_eq!(
        kit.values(&u(), "users", "email", &[("sort", "id")]).await,
        [json!("U@Example.com"), Json::Null]
    );
    assert_eq!(
        kit.values(&anon(), "users", "email", &[]).await,
        [Json::Null, Json::Null]
    );
    assert_eq!(
        kit.get(&v(), "users", &u_id).await.unwrap()["email"],
        Json::Null
    );
    assert_eq!(
        kit.get_with(&v(), "users", &u_id, "fields=email,phone")
            .await
            .unwrap(),
        json!({"email": null, "phone": null})
    );
    // A filter finds by one's own address only; nothing orders by it.
    let found = async |asker, filter: &str| {
        kit.values(&asker, "users", "id", &[("filter", filter)])
            .await
    };
    assert_eq!(found(u(), "email == 'U@Example.com'").await, [json!(u_id)]);
    assert_eq!(
        found(v(), "email == 'U@Example.com'").await,
        Vec::<Json>::new()
    );
    assert_eq!(found(anon(), "email > ''").await, Vec::<Json>::new());
    assert_eq!(found(v(), "!(email == 'x')").await, [json!(v_id)]);
    assert_eq!(found(v(), "email == null").await, [json!(u_id)]);
    assert_eq!(
        found(key(), "email_key == 'u@example.com'").await,
        [json!(u_id)]
    );
    assert_eq!(
        code(
            kit.list(&v(), "users", &[("filter", "email_key > ''")])
                .await
        ),
        Code::InvalidFilter
    );
    for sort in ["email", "-email", "phone", "email_key"] {
        assert_eq!(
            code(kit.list(&u(), "users", &[("sort", sort)]).await),
            Code::InvalidSort,
            "{sort}"
        );
    }
    assert_eq!(
        kit.values(&key(), "users", "email", &[("sort", "email_key")])
            .await,
        [json!("U@Example.com"), json!("v@example.com")]
    );
}

async fn system_fields_are_not_written(kit: &Kit) {
    add_user(kit, U, Some("u@example.com")).await;
    let before = kit.dump(&["users"]).await;
    let bad = json!({"verified": true, "email": "x@y", "role": "admin", "email_key": "x"});
    let paths = ["/email", "/email_key", "/role", "/verified"]
        .map(String::from)
        .to_vec();
    assert_eq!(
        faults(kit.merge(&u(), "users", &U.to_string(), bad).await),
        (Code::UnknownField, paths)
    );
    for asker in [u(), key()] {
        let (code_, paths) = faults(
            kit.merge(
                &asker,
                "users",
                &U.to_string(),
                json!({"disabled": true, "verified": true}),
            )
            .await,
        );
        assert_eq!((code_, paths.len()), (Code::ReadonlyField, 2));
    }
    assert_eq!(
        code(kit.create(&anon(), "users", json!({})).await),
        Code::RuleDenied
    );
    assert_eq!(kit.dump(&["users"]).await, before);
    // One's own answer to a write shows what one may see.
    let merged = kit
        .merge(&u(), "users", &U.to_string(), json!({}))
        .await
        .unwrap();
    assert_eq!(
        merged,
        kit.get(&u(), "users", &U.to_string()).await.unwrap()
    );
    assert_eq!(
        (&merged["email"], merged.get("email_key")),
        (&json!("u@example.com"), None)
    );
}

async fn users_are_found(kit: &Kit) {
    add_user(kit, U, Some(" U@Example.com ")).await;
    for identity in ["u@example.com", "U@EXAMPLE.COM", " u@example.com "] {
        let found = kit
            .data
            .find_user(&kit.project, "email", identity)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(
            (
                found.id,
                found.email.as_deref(),
                found.verified,
                found.disabled
            ),
            (U, Some("U@Example.com"), false, false)
        );
        assert!(found.view.contains_key("email") && !found.view.contains_key("email_key"));
    }
    for other in ["v@example.com", "", "' OR 1=1--", "%"] {
        assert!(
            kit.data
                .find_user(&kit.project, "email", other)
                .await
                .unwrap()
                .is_none()
        );
    }
    assert_eq!(
        kit.data
            .get_user(&kit.project, U)
            .await
            .unwrap()
            .unwrap()
            .id,
        U
    );
    assert!(kit.data.get_user(&kit.project, V).await.unwrap().is_none());
    let twice = NewUser {
        email: Some("u@EXAMPLE.com".into()),
        ..NewUser::new(V, now())
    };
    let (data, project) = (kit.data.clone(), kit.project.clone());
    let made = kit
        .db
        .write(async move |tx: &WriteTx| -> Result<(), DataError> {
            data.create_user(&project, tx, &twice).await.map(|_| ())
        })
        .await;
    assert!(
        matches!(made, Err(DataError::Store(StoreError::Unique(_)))),
        "{made:?}"
    );
    let changes = kit.db.changes(0, 10).await.unwrap();
    assert!(kit.is_postgres() || changes.len() == 1);
}

async fn write<T: Send + 'static>(
    kit: &Kit,
    job: impl AsyncFn(&WriteTx) -> Result<T, DataError> + Send + 'static,
) -> Result<T, DataError> {
    kit.db.write(job).await
}

async fn identities_of_all_kinds_lead_to_their_user(kit: &Kit) {
    let fields = json!([
        {"name": "badge", "type": "text", "max": 50, "unique": true},
        {"name": "nick", "type": "text", "max": 50, "unique": true, "case_insensitive": true},
        {"name": "city", "type": "text"}
    ]);
    kit.change("users", json!({"fields": {"add": fields}}))
        .await
        .unwrap();
    let new = NewUser {
        username: Some("Straße".to_owned()),
        phone: Some("+4915112345678".to_owned()),
        anonymous: true,
        profile: crate::kit::object(json!({"badge": "B1", "nick": "Ada", "city": "Bonn"})),
        ..NewUser::new(U, now())
    };
    let (data, project) = (kit.data.clone(), kit.project.clone());
    let made = write(kit, async move |tx: &WriteTx| {
        data.create_user(&project, tx, &new).await
    });
    assert!(made.await.unwrap().anonymous);
    let found = async |field: &str, value: &str| {
        let found = kit.data.find_user(&kit.project, field, value).await;
        found.unwrap().map(|user| user.id)
    };
    for (field, value) in [
        ("username", "Straße"),
        ("username", " straßE "),
        ("phone", "+4915112345678"),
        ("badge", "B1"),
        ("nick", "aDA"),
    ] {
        assert_eq!(found(field, value).await, Some(U), "{field} {value}");
    }
    for (field, value) in [
        ("badge", "b1"),
        ("city", "Bonn"),
        ("nobody", "B1"),
        ("username_key", "strasse"),
        ("email", ""),
    ] {
        assert_eq!(found(field, value).await, None, "{field} {value}");
    }
    let change = UserChange {
        phone: Some(None),
        disabled: Some(true),
        anonymous: Some(false),
        username: Some(Some("ada".to_owned())),
        profile: crate::kit::object(json!({"city": "Rome"})),
        ..UserChange::new(now())
    };
    let (data, project) = (kit.data.clone(), kit.project.clone());
    let changed = write(kit, async move |tx: &WriteTx| {
        data.update_user(&project, tx, U, &change).await
    });
    changed.await.unwrap();
    let user = kit.data.get_user(&kit.project, U).await.unwrap().unwrap();
    assert_eq!(
        (
            user.username.as_deref(),
            user.phone,
            user.disabled,
            user.anonymous
        ),
        (Some("ada"), None, true, false)
    );
    assert_eq!(user.view["city"], "Rome");
}

async fn an_erased_user_takes_along_what_goes_with_it(kit: &Kit) {
    add_user(kit, U, Some("u@example.com")).await;
    add_user(kit, V, Some("v@example.com")).await;
    let fields = json!([
        {"name": "owner", "type": "relation", "collection": "users", "on_delete": "cascade"},
        {"name": "editor", "type": "relation", "collection": "users", "on_delete": "set_null"}
    ]);
    kit.open("notes", fields).await;
    for (owner, editor) in [(U, V), (V, U)] {
        let note = json!({"owner": owner, "editor": editor});
        kit.create(&key(), "notes", note).await.unwrap();
    }
    let (data, project) = (kit.data.clone(), kit.project.clone());
    let erased = write(kit, async move |tx: &WriteTx| {
        data.erase_user(&project, tx, U, now(), Some("key:k".to_owned()))
            .await
    });
    erased.await.unwrap();
    assert!(kit.data.get_user(&kit.project, U).await.unwrap().is_none());
    let left = kit.values(&key(), "notes", "owner", &[]).await;
    assert_eq!(left, [json!(V)]);
    assert_eq!(
        kit.values(&key(), "notes", "editor", &[]).await,
        [Json::Null]
    );
}

async fn profiles_are_checked(kit: &Kit) {
    let check = async |profile: Json| {
        kit.data
            .check_user(&kit.project, &crate::kit::object(profile))
            .await
            .map_err(gate::Problem::from)
    };
    check(json!({})).await.unwrap();
    let (code_, paths) =
        faults(check(json!({"verified": true, "email_key": "x", "nothing": 1, "id": "x"})).await);
    assert_eq!(
        (code_, paths),
        (
            Code::UnknownField,
            ["/email_key", "/id", "/nothing", "/verified"]
                .map(String::from)
                .to_vec()
        )
    );
}

async fn keys_make_users_too(kit: &Kit) {
    let made = kit.create(&key(), "users", json!({})).await.unwrap();
    assert_eq!(
        (&made["verified"], &made["disabled"], &made["email"]),
        (&json!(false), &json!(false), &Json::Null)
    );
}

async fn built_in_fields_are_told(kit: &Kit) {
    let of = async |name: &str| {
        let collection = kit.data.get_collection(&kit.project, name).await.unwrap();
        collection.view()
    };
    let users = of("users").await;
    let names: Vec<&str> = users["built_in_fields"]
        .as_array()
        .unwrap()
        .iter()
        .map(|f| f["name"].as_str().unwrap())
        .collect();
    // The keys by which identities are compared are not among them.
    assert_eq!(
        names,
        [
            "email",
            "username",
            "phone",
            "verified",
            "disabled",
            "phone_verified",
            "anonymous"
        ]
    );
    assert_eq!(users["fields"], serde_json::json!([]));
    kit.open(
        "posts",
        serde_json::json!([{"name": "title", "type": "text"}]),
    )
    .await;
    assert_eq!(of("posts").await["built_in_fields"], serde_json::json!([]));
}
