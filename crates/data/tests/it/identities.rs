//! Fields by which users are known when they sign in: they must tell one from all others, and stay while they are used.

use crate::kit::{Kit, both, code};
use gate::Settings;
use kernel::Code;
use serde_json::json;

both!(
    a_field_that_users_sign_in_with_stays,
    only_what_is_unique_is_an_identity
);

fn known_by(names: &[&str]) -> Settings {
    let mut settings = Settings::default();
    settings.sign_in.identities = names.iter().map(|n| (*n).to_owned()).collect();
    settings
}

async fn fields(kit: &Kit) {
    let added = json!([
        {"name": "staff_no", "type": "text", "max": 40, "unique": true},
        {"name": "badge", "type": "email", "unique": true},
        {"name": "shared", "type": "text"},
        {"name": "weight", "type": "number", "unique": true}
    ]);
    kit.change("users", json!({"fields": {"add": added}}))
        .await
        .unwrap();
}

async fn only_what_is_unique_is_an_identity(kit: &Kit) {
    fields(kit).await;
    let faults = async |names: &[&str]| -> Vec<String> {
        let names: Vec<String> = names.iter().map(|n| (*n).to_owned()).collect();
        let faults = kit
            .data
            .identity_faults(&kit.project, &names)
            .await
            .unwrap();
        faults.into_iter().map(|f| f.path).collect()
    };
    assert_eq!(
        faults(&["email", "username", "phone", "staff_no", "badge"]).await,
        [""; 0]
    );
    assert_eq!(
        faults(&["shared", "staff_no", "weight", "nothing", "email_key"]).await,
        [
            "/sign_in/identities/0",
            "/sign_in/identities/2",
            "/sign_in/identities/3",
            "/sign_in/identities/4"
        ]
    );
}

async fn a_field_that_users_sign_in_with_stays(kit: &Kit) {
    fields(kit).await;
    kit.project.set_for_tests(known_by(&["email", "staff_no"]));
    let taken = [
        json!({"fields": {"drop": ["staff_no"]}, "confirm": ["drop:staff_no"]}),
        json!({"fields": {"rename": {"staff_no": "number"}}}),
        json!({"fields": {"change": {"staff_no": {"unique": false}}}}),
    ];
    for change in &taken {
        assert_eq!(
            code(kit.change("users", change.clone()).await),
            Code::Referenced,
            "{change}"
        );
    }
    // Other fields, and the rules, are free.
    kit.change("users", json!({"fields": {"rename": {"badge": "card"}}}))
        .await
        .unwrap();
    kit.change(
        "users",
        json!({"fields": {"change": {"staff_no": {"max": 50}}}}),
    )
    .await
    .unwrap();
    kit.project.set_for_tests(known_by(&["email"]));
    kit.change("users", taken[1].clone()).await.unwrap();
}
