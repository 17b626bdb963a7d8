//! Projects: made, found, opened once, suspended, and unavailable alone.

use crate::kit::{Kit, code, project_in};
use crate::on_both;
use futures_util::future::join_all;
use gate::{GateConfig, ListQuery, Reach};
use kernel::Code;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use store::{Ddl, Step};
use uuid::Uuid;

static OPENED: AtomicUsize = AtomicUsize::new(0);

fn count_opening(ddl: &mut Ddl) {
    OPENED.fetch_add(1, Ordering::SeqCst);
    ddl.raw(r#"CREATE TABLE "project"."_counted" (id bigint)"#);
}

on_both! {
    async fn projects_are_made_listed_renamed_and_not_made_twice(kit: Kit) {
        let gate = &kit.gate;
        for slug in ["shop", "blog", "wiki"] {
            let made = gate.create_project(&kit.by(), project_in(slug)).await.unwrap();
            assert_eq!((made.id.as_str(), made.status.as_str()), (slug, "active"));
        }
        assert_eq!(code(gate.create_project(&kit.by(), project_in("shop")).await), Some(Code::ProjectTaken));
        let first = gate.list_projects(&Reach::Everything, &ListQuery { limit: 2, cursor: None, count: true }).await.unwrap();
        let ids: Vec<&str> = first.items.iter().map(|p| p.id.as_str()).collect();
        assert_eq!((ids, first.total), (vec!["shop", "blog"], Some(3)));
        let next = ListQuery { limit: 2, cursor: first.next_cursor, count: false };
        let second = gate.list_projects(&Reach::Everything, &next).await.unwrap();
        assert_eq!((second.items.len(), second.next_cursor, second.total), (1, None, None));
        let foreign = ListQuery { cursor: Some(gate::sign_cursor(&[0; 32], &serde_json::json!(["projects", "x"]))), ..ListQuery::default() };
        assert_eq!(code(gate.list_projects(&Reach::Everything, &foreign).await), Some(Code::InvalidCursor));
        assert_eq!(code(gate.list_operators(&next).await), Some(Code::CursorMismatch));
        let before = gate.project("shop").await.unwrap();
        gate.rename_project(&Reach::Everything, &kit.by(), "shop", "Other".into()).await.unwrap();
        let after = gate.project("shop").await.unwrap();
        assert_eq!((after.name.as_str(), after.uid, after.issuer.as_str()), ("Other", before.uid, "http://127.0.0.1:8090/p/shop"));
        assert_eq!(code(gate.project("nope").await), Some(Code::ProjectNotFound));
        assert_eq!(code(gate.project("../x").await), Some(Code::ProjectNotFound));
    }

    async fn keys_of_a_project_differ_and_last_over_a_restart(kit: Kit) {
        let (shop, blog) = (kit.project("shop").await, kit.project("blog").await);
        assert_ne!(shop.derive_key("x"), blog.derive_key("x"));
        let sealed = shop.seal("_t/1", b"secret").unwrap();
        assert!(blog.open("_t/1", &sealed).is_err());
        let again = kit.another(GateConfig::default(), Vec::new()).await.project("shop").await.unwrap();
        assert_eq!(again.open("_t/1", &sealed).unwrap(), b"secret");
        assert_eq!(again.derive_key("x"), shop.derive_key("x"));
    }

    async fn fifty_at_once_make_one_project(kit: Kit) {
        let by = kit.by();
        let tries = (0..50).map(|_| kit.gate.create_project(&by, project_in("shop")));
        let results = join_all(tries).await;
        assert_eq!(results.iter().filter(|r| r.is_ok()).count(), 1);
        assert!(results.into_iter().all(|r| code(r).is_none_or(|c| c == Code::ProjectTaken)));
        assert!(kit.gate.project("shop").await.is_ok());
    }

    async fn idle_projects_close_and_open_again(kit: Kit) {
        kit.project("shop").await;
        kit.project("blog").await;
        let held = kit.gate.project("shop").await.unwrap();
        kit.gate.project("blog").await.unwrap();
        let settings = || crate::kit::input(serde_json::json!({"sign_up": "closed"}));
        let blog = kit.gate.project("blog").await.unwrap();
        kit.gate.update_settings(&blog, &kit.by(), None, settings()).await.unwrap();
        drop(blog);
        assert_eq!(kit.gate.open_projects(), 2);
        kit.gate.close_idle_projects(Duration::from_secs(3_600));
        assert_eq!(kit.gate.open_projects(), 2, "both were used within the hour");
        kit.gate.close_idle_projects(Duration::ZERO);
        assert_eq!(kit.gate.open_projects(), 1, "what somebody holds stays open");
        drop(held);
        kit.gate.close_idle_projects(Duration::ZERO);
        assert_eq!(kit.gate.open_projects(), 0);
        let blog = kit.gate.project("blog").await.unwrap();
        assert_eq!(blog.settings().sign_up, gate::SignUp::Closed);
    }

    async fn suspension_holds_from_its_answer_on(kit: Kit) {
        kit.project("shop").await;
        let busy = async {
            for _ in 0..200 {
                let _ = kit.gate.project("shop").await;
                tokio::task::yield_now().await;
            }
        };
        let suspend = async {
            kit.gate.suspend_project(&Reach::Everything, &kit.by(), "shop", true).await.unwrap();
            for _ in 0..50 {
                assert_eq!(code(kit.gate.project("shop").await), Some(Code::ProjectSuspended));
                tokio::task::yield_now().await;
            }
        };
        futures_util::future::join(busy, suspend).await;
        let other = kit.another(GateConfig::default(), Vec::new()).await;
        assert_eq!(code(other.project("shop").await), Some(Code::ProjectSuspended));
        kit.gate.suspend_project(&Reach::Everything, &kit.by(), "shop", false).await.unwrap();
        assert!(kit.gate.project("shop").await.is_ok());
    }

    async fn one_broken_project_is_unavailable_alone(kit: Kit) {
        kit.project("shop").await;
        kit.project("blog").await;
        kit.sql(&kit.instance().await, r#"UPDATE "project"."projects" SET root_key = 's1.broken' WHERE slug = 'blog'"#).await;
        let after = kit.another(GateConfig::default(), Vec::new()).await;
        assert_eq!(code(after.project("blog").await), Some(Code::ProjectUnavailable));
        assert!(after.project("shop").await.is_ok());
    }

    async fn an_act_without_its_audit_row_does_not_happen(kit: Kit) {
        kit.project("shop").await;
        let instance = kit.instance().await;
        let log = kit.gate.list_instance_audit(&ListQuery::default()).await.unwrap();
        let entry = &log.items[0];
        assert_eq!((entry.action.as_str(), entry.target.as_str(), entry.actor.as_deref()), ("project.create", "shop", Some("operator:test")));
        assert_eq!((entry.network.as_str(), entry.request_id.as_str()), ("192.0.2.1", "test-request"));
        kit.sql(&instance, r#"DROP TABLE "project"."audit""#).await;
        assert!(kit.gate.create_project(&kit.by(), project_in("blog")).await.is_err());
        assert!(kit.gate.suspend_project(&Reach::Everything, &kit.by(), "shop", true).await.is_err());
        assert_eq!(code(kit.gate.project("blog").await), Some(Code::ProjectNotFound));
        assert!(kit.gate.project("shop").await.is_ok());
    }
}

#[actix_web::test]
async fn fifty_at_first_use_migrate_once() {
    let kit = Kit::new(crate::kit::On::Sqlite).await;
    kit.project("shop").await;
    let gate = kit
        .another(
            GateConfig::default(),
            vec![Step {
                name: "test/1-counted",
                up: count_opening,
            }],
        )
        .await;
    let opened = join_all((0..50).map(|_| gate.project("shop"))).await;
    assert!(opened.iter().all(Result::is_ok));
    assert_eq!(OPENED.load(Ordering::SeqCst), 1);
    let first = opened[0].as_ref().unwrap();
    assert!(Arc::ptr_eq(
        &gate.project("shop").await.unwrap(),
        &gate.project("shop").await.unwrap()
    ));
    assert_eq!(first.id, "shop");
}

#[actix_web::test]
async fn other_nodes_learn_within_a_second() {
    let kit = Kit::new(crate::kit::On::Postgres).await;
    kit.project("shop").await;
    let other = kit.another(GateConfig::default(), Vec::new()).await;
    assert!(other.project("shop").await.is_ok());
    kit.gate
        .suspend_project(&Reach::Everything, &kit.by(), "shop", true)
        .await
        .unwrap();
    tokio::time::sleep(Duration::from_millis(1_000)).await;
    assert_eq!(
        code(other.project("shop").await),
        Some(Code::ProjectSuspended)
    );
    kit.end().await;
}

on_both! {
    async fn nodes_are_counted_while_they_say_that_they_live(kit: Kit) {
        let (first, second) = (Uuid::from_u128(1), Uuid::from_u128(2));
        assert_eq!(kit.gate.beat(first).await.unwrap(), 1);
        assert_eq!(kit.gate.beat(second).await.unwrap(), 2);
        assert_eq!(kit.gate.beat(second).await.unwrap(), 2);
        kit.clock.set(kit.clock.now().plus(Duration::from_secs(15)));
        assert_eq!(kit.gate.beat(first).await.unwrap(), 2);
        kit.clock.set(kit.clock.now().plus(Duration::from_secs(10)));
        assert_eq!(kit.gate.beat(first).await.unwrap(), 1, "the second was silent for 25 seconds");
        assert_eq!(kit.gate.beat(second).await.unwrap(), 2, "it was only slow");
        kit.gate.leave(second).await.unwrap();
        assert_eq!(kit.gate.beat(first).await.unwrap(), 1);
    }
}
