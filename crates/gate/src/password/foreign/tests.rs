//! Hashes that other implementations made, and texts that are none or cost too much.

use super::*;

const PASSWORD: &[u8] = "correct hörse".as_bytes();
/// Made by others: bcrypt 5.0 and argon2-cffi of PyPI, passlib 1.7 for those without `i=`, Django 5 for the last
/// two, and Python's hashlib for the rest.
const VECTORS: [(&str, &str); 16] = [
    (
        "bcrypt 2b",
        "$2b$04$uNFMIw04tG0W12c4KPLUKu1bqt33oqAc/tSP6/L06WCeFk/1.SQye",
    ),
    (
        "bcrypt 2a",
        "$2a$05$gmSdPkRY3ESs93ZARwiHau2S..OqOSteec.4MaRrxyvsrDK/YdSeu",
    ),
    (
        "bcrypt 2y",
        "$2y$04$uNFMIw04tG0W12c4KPLUKu1bqt33oqAc/tSP6/L06WCeFk/1.SQye",
    ),
    (
        "scrypt PHC",
        "$scrypt$ln=10,r=8,p=2$c2l4dGVlbiBieXRlcyEhIQ$s+6KS85+GRcYP2DZJkR9Llbgi5AixNgKEo/yhZ62NLo",
    ),
    (
        "scrypt passlib",
        "$scrypt$ln=8,r=8,p=1$KQUgRKjVOgcgJARASKk15g$9d9BbGIdyh7otkrKJFSEi7S9VIDDlvL7IIW129gOZFk",
    ),
    (
        "argon2id",
        "$argon2id$v=19$m=1024,t=2,p=4$c2l4dGVlbiBieXRlcyEhIQ$81ywoih9OOew4ANpfLo7ff1TLUltJYwq0tUqw1xnYEk",
    ),
    (
        "argon2i",
        "$argon2i$v=19$m=512,t=3,p=1$c2l4dGVlbiBieXRlcyEhIQ$khZFGBm25S+ZtfJ+TRWGCg",
    ),
    (
        "argon2i v16",
        "$argon2i$v=16$m=512,t=3,p=1$c2l4dGVlbiBieXRlcyEhIQ$oT+hF2QuLluu430ajjhok2XG96zDxkqhkIakszV5CfY",
    ),
    (
        "pbkdf2 PHC sha1",
        "$pbkdf2$i=1000$c2l4dGVlbiBieXRlcyEhIQ$uWCx8fm9qtFBBzlvU/5p3Iopg9o",
    ),
    (
        "pbkdf2 PHC sha256",
        "$pbkdf2-sha256$i=1000,l=32$c2l4dGVlbiBieXRlcyEhIQ$rQKhgfyuhVV0BoBwi83+ChfZ629Bk4LBKXPwM3NVGXI",
    ),
    (
        "pbkdf2 PHC sha512",
        "$pbkdf2-sha512$i=1000,l=64$c2l4dGVlbiBieXRlcyEhIQ$B20grtA54ZTcAgjhIdqs1sjzXQQYf7M3jd/gWgpn26+nOVSbqddGFpiMmLLOPo1LNgBZRS0AVZSMzCvFs6Xp8Q",
    ),
    (
        "pbkdf2 passlib sha256",
        "$pbkdf2-sha256$1000$kzKmFOLc.5.TEqJUKuV8rw$f.HW/La4gO6BvWLwuYhmk9KydZsf0rFCmhOELPReis4",
    ),
    (
        "pbkdf2 passlib sha512",
        "$pbkdf2-sha512$1000$AwBA6N0bY6wVIgRg7L13Tg$FMufU52lUChM3jQCX5OjaAPW/UMb91FaAiLqoAX/llYKqzmXFQ2ib5YlbEVgrpk1hecvceZR7vR6LSmcipEQLw",
    ),
    (
        "pbkdf2 passlib sha1",
        "$pbkdf2$1000$sHaOESKk9B6DMAbgvNeakw$kDJZDutzjumyO92mBZLC0mZXGx4",
    ),
    (
        "django sha256",
        "pbkdf2_sha256$1000$saltsaltsalt$Mdq+Zp5sq7VwpdVUlViJLnp0vEGqA5bVte+uiggJQH4=",
    ),
    (
        "django sha1",
        "pbkdf2_sha1$1000$saltsaltsalt$htd1pCJCB5Nj3Tq08fdsgwAmMuM=",
    ),
];
/// The sample that Firebase publishes beside its own scrypt.
const SAMPLE: Firebase<'static> = Firebase {
    hash: "lSrfV15cpx95/sZS2W9c9Kp6i/LVgQNDNC/qzrCnh1SAyZvqmZqAjTdn3aoItz+VHjoZilo78198JAdRuid5lQ==",
    salt: "42xEC+ixf3L2lw==",
    signer_key: "jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA==",
    salt_separator: "Bw==",
    rounds: 8,
    memory_cost: 14,
};

#[test]
fn hashes_of_others_verify_and_no_other_password_does() {
    for (name, text) in VECTORS {
        let found = Foreign::parse(text).unwrap_or_else(|why| panic!("{name}: {why}"));
        assert!(found.verify(PASSWORD).unwrap(), "{name}");
        for wrong in [&b"correct horse"[..], b"", b"correct h\xc3\xb6rs"] {
            assert!(!found.verify(wrong).unwrap(), "{name}");
        }
    }
    let found = Foreign::parse(&SAMPLE.to_text().unwrap()).unwrap();
    assert!(found.verify(b"user1password").unwrap());
    assert!(!found.verify(b"user2password").unwrap());
}

#[test]
fn what_costs_too_much_is_not_taken() {
    let salt = "c2l4dGVlbiBieXRlcyEhIQ";
    let hash = "s+6KS85+GRcYP2DZJkR9Llbgi5AixNgKEo/yhZ62NLo";
    let tail = format!("{salt}${hash}");
    let bcrypt =
        |cost: &str| format!("$2b${cost}$uNFMIw04tG0W12c4KPLUKu1bqt33oqAc/tSP6/L06WCeFk/1.SQye");
    let fine = [
        bcrypt("14"),
        format!("$scrypt$ln=17,r=8,p=1${tail}"),
        format!("$argon2id$v=19$m=65536,t=3,p=4${tail}"),
        format!("$argon2id$v=19$m=131072,t=8,p=1${tail}"),
        format!("$pbkdf2-sha256$i=2000000${tail}"),
        format!("$pbkdf2-sha512$i=1000000${tail}"),
    ];
    for text in fine {
        assert!(Foreign::parse(&text).is_ok(), "{text}");
    }
    let dear = [
        bcrypt("15"),
        bcrypt("31"),
        format!("$scrypt$ln=18,r=8,p=1${tail}"),
        format!("$scrypt$ln=40,r=1,p=1${tail}"),
        format!("$scrypt$ln=17,r=8,p=3${tail}"),
        format!("$scrypt$ln=10,r=1,p=4294967295${tail}"),
        format!("$argon2id$v=19$m=131073,t=1,p=1${tail}"),
        format!("$argon2id$v=19$m=131072,t=9,p=1${tail}"),
        format!("$argon2i$v=19$m=8,t=4294967295,p=1${tail}"),
        format!("$pbkdf2-sha256$i=2000001${tail}"),
        format!("$pbkdf2-sha512$i=1000001${tail}"),
        format!("$pbkdf2$i=1000001${tail}"),
        format!("pbkdf2_sha256$4294967295$salt${hash}"),
    ];
    for text in dear {
        assert_eq!(Foreign::parse(&text), Err(NotTaken::Cost), "{text}");
    }
    let costly = Firebase {
        memory_cost: 24,
        ..SAMPLE
    };
    assert_eq!(costly.to_text(), Err(NotTaken::Cost));
}

#[test]
fn what_is_no_hash_is_not_taken() {
    let salt = "c2l4dGVlbiBieXRlcyEhIQ";
    let hash = "s+6KS85+GRcYP2DZJkR9Llbgi5AixNgKEo/yhZ62NLo";
    let bad = [
        String::new(),
        "$".to_owned(),
        "5f4dcc3b5aa765d61d8327deb882cf99".to_owned(),
        "$1$abcdefgh$irWbblnpmw.5z7wgBnprh0".to_owned(),
        "$2x$04$uNFMIw04tG0W12c4KPLUKu1bqt33oqAc/tSP6/L06WCeFk/1.SQye".to_owned(),
        "$2b$03$uNFMIw04tG0W12c4KPLUKu1bqt33oqAc/tSP6/L06WCeFk/1.SQye".to_owned(),
        "$2b$4$uNFMIw04tG0W12c4KPLUKu1bqt33oqAc/tSP6/L06WCeFk/1.SQye".to_owned(),
        "$2b$04$uNFMIw04tG0W12c4KPLUKu1bqt33oqAc/tSP6/L06WCeFk/1.SQy".to_owned(),
        "$2b$04$üüüüüüüüüüüü".to_owned(),
        format!("$scrypt$ln=0,r=8,p=1${salt}${hash}"),
        format!("$scrypt$ln=10,r=0,p=1${salt}${hash}"),
        format!("$scrypt$ln=10,r=8${salt}${hash}"),
        format!("$scrypt$ln=10,r=8,p=1,x=1${salt}${hash}"),
        format!("$scrypt$ln=10,r=8,p=1${salt}${hash}$x"),
        format!("$scrypt$ln=10,r=8,p=1${salt}$c2hvcnQ"),
        format!("$argon2d$v=19$m=1024,t=2,p=4${salt}${hash}"),
        format!("$argon2id$v=18$m=1024,t=2,p=4${salt}${hash}"),
        format!("$argon2id$v=19$m=1024,t=0,p=4${salt}${hash}"),
        format!("$argon2id$v=19$m=8,t=1,p=4${salt}${hash}"),
        format!("$argon2id$v=19$m=1024,t=2,p=4$c2FsdA${hash}"),
        format!("$pbkdf2-sha256$i=0${salt}${hash}"),
        format!("$pbkdf2-sha256$i=1000,l=16${salt}${hash}"),
        format!("$pbkdf2-md5$i=1000${salt}${hash}"),
        format!("pbkdf2_sha256$-1$salt${hash}"),
        format!("md5$salt${hash}"),
        format!("$firebase-scrypt$ln=8,r=8$Bw==${salt}${hash}$c2hvcnQ"),
        format!("$scrypt$ln=10,r=8,p=1$${}", "A".repeat(2_000)),
    ];
    for text in bad {
        assert_eq!(Foreign::parse(&text), Err(NotTaken::Form), "{text}");
    }
    let two = Firebase {
        salt: "a$b",
        ..SAMPLE
    };
    assert_eq!(two.to_text(), Err(NotTaken::Form));
}

#[test]
fn bcrypt_looks_at_72_bytes() {
    // Made by bcrypt 5.0 of PyPI of no, 71 and 72 times `a`.
    let salt = "$2b$04$KKfLECbTbVQ1MTOcOgGQ8O";
    let cases = [
        (0, "rRUfUttSnWLUMYA05xY.WdspyzYqRF.", 1),
        (71, "xWoaPBmBH5QRZouFYd5.2o2UkvzE9tW", 72),
        (72, "HDsR649qjGU4ilayPefYbfG5aae10K6", 71),
    ];
    for (length, hash, other) in cases {
        let found = Foreign::parse(&format!("{salt}{hash}")).unwrap();
        let of = |n: usize| found.verify("a".repeat(n).as_bytes()).unwrap();
        assert!(of(length) && !of(other), "{length}");
        // As whoever made it: longer ones are the same to bcrypt.
        assert_eq!(of(80), length == 72, "{length}");
    }
}
