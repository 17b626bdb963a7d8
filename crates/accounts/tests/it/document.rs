//! The operations' part of a project's API document: stable ids, and every one with its errors and its lock.

use actix_web::App;
use utoipa_actix_web::AppExt;

/// Every operation, and whether everybody may call it.
const OPERATIONS: [(&str, bool); 99] = [
    ("accept_invitation", true),
    ("activate_totp", false),
    ("begin_factor_passkey", true),
    ("begin_factor_totp", true),
    ("begin_passkey", false),
    ("begin_passkey_sign_in", true),
    ("begin_step_up_passkey", false),
    ("begin_totp", false),
    ("change_password", false),
    ("change_username", false),
    ("clear_mails", false),
    ("confirm_email_change", true),
    ("confirm_password_reset", true),
    ("confirm_phone_change", false),
    ("confirm_sign_up", true),
    ("confirm_verification", true),
    ("create_passkey", false),
    ("delete_passkey", false),
    ("delete_totp", false),
    ("end_session", false),
    ("get_auth_methods", true),
    ("get_factors", false),
    ("get_identity_token", false),
    ("get_jwks", true),
    ("get_mail", false),
    ("get_mail_template", false),
    ("get_me", false),
    ("get_openid_configuration", true),
    ("link_identity", false),
    ("list_identities", false),
    ("list_mail_templates", false),
    ("list_mails", false),
    ("list_passkeys", false),
    ("list_sessions", false),
    ("mint_custom_token", false),
    ("preview_mail_template", false),
    ("promote_user", false),
    ("promote_user_by_code", false),
    ("put_mail_template", false),
    ("refresh_session", true),
    ("remove_phone", false),
    ("rename_session", false),
    ("renew_recovery_codes", false),
    ("request_email_change", false),
    ("request_magic_link", true),
    ("request_password_reset", true),
    ("request_phone_change", false),
    ("request_phone_code", true),
    ("request_promotion_code", false),
    ("request_sign_in_code", true),
    ("request_verification", true),
    ("reset_mail_template", false),
    ("sign_in_anonymous", true),
    ("rotate_signing_keys", false),
    ("reset_user_factors", false),
    ("sign_in_code", true),
    ("sign_in_custom", true),
    ("sign_in_factor", true),
    ("sign_in_magic_link", true),
    ("sign_in_passkey", true),
    ("sign_in_password", true),
    ("sign_in_phone", true),
    ("sign_in_social", true),
    ("sign_out", false),
    ("sign_out_elsewhere", false),
    ("sign_out_everywhere", false),
    ("sign_up", true),
    // Users and teams.
    ("accept_team_invitation", false),
    ("create_team", false),
    ("create_user_account", false),
    ("decline_team_invitation", false),
    ("delete_team", false),
    ("delete_user_account", false),
    ("end_user_sessions", false),
    ("erase_me", false),
    ("export_me", false),
    ("export_users", false),
    ("get_team", false),
    ("get_user_account", false),
    ("impersonate_user", false),
    ("import_users", false),
    ("invite_to_team", false),
    ("invite_user", false),
    ("list_my_team_invitations", false),
    ("list_team_invitations", false),
    ("list_team_members", false),
    ("list_teams", false),
    ("list_user_accounts", false),
    ("list_user_sessions", false),
    ("put_team_member", false),
    ("remove_team_member", false),
    ("revoke_team_invitation", false),
    ("transfer_team", false),
    ("update_team", false),
    ("update_user_account", false),
    ("step_up", false),
    ("update_passkey", false),
    ("start_social_sign_in", true),
    ("unlink_identity", false),
];

#[test]
fn every_operation_has_its_id_its_errors_and_its_lock() {
    let (_, mut document) = App::new()
        .into_utoipa_app()
        .configure(accounts::configure_project)
        .split_for_parts();
    gate::openapi::complete(&mut document);
    let document = serde_json::to_value(&document).unwrap();
    let mut found = Vec::new();
    for item in document["paths"].as_object().unwrap().values() {
        for operation in item
            .as_object()
            .unwrap()
            .values()
            .filter(|value| value["operationId"].is_string())
        {
            let is_open = operation["security"] == serde_json::json!([{}]);
            found.push((operation["operationId"].as_str().unwrap(), is_open));
            for status in ["400", "401", "403", "429", "500", "503"] {
                let body = &operation["responses"][status]["content"]["application/problem+json"];
                assert!(body.is_object(), "{} {status}", operation["operationId"]);
            }
        }
    }
    let import = &document["paths"]["/v1/users/import"]["post"]["requestBody"]["content"];
    let kinds: Vec<&String> = import.as_object().unwrap().keys().collect();
    assert_eq!(kinds, ["application/json", "application/x-ndjson"]);
    found.sort_unstable();
    let mut want = OPERATIONS.to_vec();
    want.sort_unstable();
    assert_eq!(found, want);
    for schema in document["components"]["schemas"]
        .as_object()
        .unwrap()
        .keys()
    {
        assert!(!schema.contains("accounts"), "{schema}");
    }
}
