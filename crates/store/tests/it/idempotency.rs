//! Idempotency keys: whatever happens between two requests with one key, the work is done once and told truly.

use crate::kit::{Kit, both, stamp, statement};
use kernel::Stamp;
use sea_orm::ConnectionTrait;
use store::{Answer, Claim, Db, StoreError, WriteTx};

both!(
    the_answer_is_replayed,
    another_request_with_the_key_is_told,
    parallel_requests_do_it_once,
    a_day_later_it_is_forgotten,
    a_failed_request_keeps_nothing,
);

const NOW: &str = "2026-03-01T12:00:00Z";

fn claim(caller: &str, key: &str, hash: &str) -> Claim {
    Claim {
        caller: caller.into(),
        key: key.into(),
        hash: hash.into(),
    }
}

fn answer(body: &str) -> Answer {
    Answer {
        status: 201,
        etag: Some("\"1\"".into()),
        body: Some(body.into()),
    }
}

/// A request: gives the kept answer, or does the work and keeps its own.
async fn request(
    db: &Db,
    claim: Claim,
    now: Stamp,
    body: String,
) -> Result<Result<Answer, ()>, StoreError> {
    db.write(async move |tx: &WriteTx| {
        match tx.idempotent(&claim, now).await? {
            Err(()) => return Ok(Err(())),
            Ok(Some(kept)) => return Ok(Ok(kept)),
            Ok(None) => {}
        }
        // The work.
        let text =
            r#"INSERT INTO "project"."laters" (id) SELECT count(*) + 1 FROM "project"."laters""#;
        tx.execute_raw(statement(tx.backend(), text, [])).await?;
        let answer = answer(&body);
        tx.keep_answer(&claim, &answer, now).await?;
        Ok(Ok(answer))
    })
    .await
}

async fn works(db: &Db) -> i64 {
    let text = r#"SELECT count(*) AS n FROM "project"."laters""#;
    db.query_one_raw(crate::kit::sql(db, text, []))
        .await
        .unwrap()
        .unwrap()
        .try_get("", "n")
        .unwrap()
}

async fn rows(db: &Db) -> i64 {
    let text = r#"SELECT count(*) AS n FROM "project"."_idempotency""#;
    db.query_one_raw(crate::kit::sql(db, text, []))
        .await
        .unwrap()
        .unwrap()
        .try_get("", "n")
        .unwrap()
}

async fn the_answer_is_replayed(kit: &Kit) {
    let db = kit.open().await;
    let now = stamp(NOW);
    for attempt in ["first", "second", "third"] {
        let got = request(&db, claim("user:1", "k", "h"), now, attempt.into())
            .await
            .unwrap()
            .unwrap();
        assert_eq!(got, answer("first"));
    }
    assert_eq!(works(&db).await, 1);
    // Another caller's key of the same name is another key.
    assert_eq!(
        request(&db, claim("user:2", "k", "h"), now, "theirs".into())
            .await
            .unwrap()
            .unwrap(),
        answer("theirs")
    );
    // An answer may have neither.
    let bare = Answer {
        status: 204,
        etag: None,
        body: None,
    };
    let (kept, mine) = (bare.clone(), claim("user:3", "k", "h"));
    let replayed = db
        .write(async move |tx: &WriteTx| {
            tx.keep_answer(&mine, &kept, now).await?;
            tx.idempotent(&mine, now).await
        })
        .await;
    assert_eq!(replayed.unwrap(), Ok(Some(bare)));
}

async fn another_request_with_the_key_is_told(kit: &Kit) {
    let db = kit.open().await;
    request(&db, claim("user:1", "k", "h"), stamp(NOW), "first".into())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        request(
            &db,
            claim("user:1", "k", "other"),
            stamp(NOW),
            "second".into()
        )
        .await
        .unwrap(),
        Err(())
    );
    assert_eq!(works(&db).await, 1);
}

async fn parallel_requests_do_it_once(kit: &Kit) {
    let db = kit.open().await;
    let requests: Vec<_> = (0..8)
        .map(|i| {
            let db = db.clone();
            tokio::spawn(async move {
                request(
                    &db,
                    claim("user:1", "k", "h"),
                    stamp(NOW),
                    format!("answer {i}"),
                )
                .await
            })
        })
        .collect();
    let mut answers = Vec::new();
    for request in requests {
        answers.push(request.await.unwrap().unwrap().unwrap());
    }
    assert!(answers.iter().all(|a| *a == answers[0]), "{answers:?}");
    assert_eq!(works(&db).await, 1);
}

async fn a_day_later_it_is_forgotten(kit: &Kit) {
    let db = kit.open().await;
    let first = stamp(NOW);
    for i in 0..15 {
        request(
            &db,
            claim("user:1", &format!("k{i}"), "h"),
            first,
            "old".into(),
        )
        .await
        .unwrap()
        .unwrap();
    }
    let almost = stamp("2026-03-02T11:59:59Z");
    assert_eq!(
        request(&db, claim("user:1", "k0", "h"), almost, "new".into())
            .await
            .unwrap()
            .unwrap(),
        answer("old")
    );
    let later = stamp("2026-03-02T12:00:01Z");
    assert_eq!(
        request(&db, claim("user:1", "k0", "other"), later, "new".into())
            .await
            .unwrap()
            .unwrap(),
        answer("new")
    );
    assert_eq!(
        request(&db, claim("user:1", "k0", "other"), later, "newer".into())
            .await
            .unwrap()
            .unwrap(),
        answer("new")
    );
    // Ten old ones go with each new one.
    assert!(rows(&db).await <= 6, "{}", rows(&db).await);
    request(&db, claim("user:1", "k99", "h"), later, "new".into())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(rows(&db).await, 2);
}

async fn a_failed_request_keeps_nothing(kit: &Kit) {
    let db = kit.open().await;
    let mine = claim("user:1", "k", "h");
    let failed = db.write(async move |tx: &WriteTx| {
        tx.keep_answer(&mine, &answer("never sent"), stamp(NOW))
            .await?;
        Err::<(), _>(StoreError::Closed)
    });
    assert!(failed.await.is_err());
    assert_eq!(
        request(&db, claim("user:1", "k", "h"), stamp(NOW), "now".into())
            .await
            .unwrap()
            .unwrap(),
        answer("now")
    );
}
