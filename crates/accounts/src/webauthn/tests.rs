//! Every check of the standard, by an authenticator that breaks it.

use super::*;
use crate::model::factors::{MakePasskey, ShowPasskey};
use authenticator::{
    BACKED_UP, Cbor, ELIGIBLE, EXTENSIONS, Key, PRESENT, Passkey, Said, VERIFIED, b64,
};
use gate::Input;
use serde_json::{Value, json};

#[path = "../../tests/it/authenticator.rs"]
mod authenticator;

const ORIGIN: &str = "https://shop.example";
const CHALLENGE: &[u8] = &[9; 32];

fn party() -> Party {
    Party {
        id: "shop.example".to_owned(),
        name: "Shop".to_owned(),
        origins: vec![
            ORIGIN.to_owned(),
            "android:apk-key-hash:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa".to_owned(),
        ],
    }
}

fn creation() -> Said {
    Said::to(
        &json!({"challenge": b64(CHALLENGE), "rp": {"id": "shop.example"}}),
        ORIGIN,
    )
}

fn request() -> Said {
    Said::to(
        &json!({"challenge": b64(CHALLENGE), "rpId": "shop.example"}),
        ORIGIN,
    )
}

fn input(credential: Value, more: Value) -> Input {
    let mut all = more.as_object().cloned().unwrap();
    all.insert("ceremony_id".into(), json!(Uuid::from_u128(1)));
    all.insert("credential".into(), credential);
    Input::new(all)
}

fn made(credential: Value) -> Result<Made, Fault> {
    let form = MakePasskey::parse(input(credential, json!({"name": "a"})));
    let form = form.map_err(|_| "the form")?;
    let party = party();
    let asked = Asked {
        party: &party,
        challenge: CHALLENGE,
        user_verification: false,
    };
    verify_attestation(asked, &form.answer)
}

fn shown(made: &Made, credential: Value, user_verification: bool) -> Result<Shown, Fault> {
    let form = ShowPasskey::parse(input(credential, json!({})));
    let form = form.map_err(|_| "the form")?;
    let party = party();
    let asked = Asked {
        party: &party,
        challenge: CHALLENGE,
        user_verification,
    };
    let kept = Kept {
        public_key: &made.public_key,
        sign_count: made.sign_count,
        backup_eligible: made.backup_eligible,
    };
    verify_assertion(asked, kept, &form.answer)
}

#[test]
fn keys_of_all_three_algorithms_are_made_and_shown() {
    for key in [Key::es256(), Key::ed25519(), Key::rs256()] {
        let mut passkey = Passkey::new(key);
        let made = made(passkey.create(&creation())).unwrap();
        assert_eq!(made.credential_id, passkey.id);
        assert!(made.user_verified && made.backed_up && made.sign_count == 0);
        assert_eq!(made.aaguid, Uuid::from_bytes([7; 16]));
        passkey.count = 3;
        let want = Shown {
            sign_count: 3,
            user_verified: true,
            backed_up: true,
        };
        assert_eq!(shown(&made, passkey.get(&request()), true), Ok(want));
        // Not by another key.
        let mut other = Passkey::new(Key::es256());
        assert!(shown(&made, other.get(&request()), true).is_err());
    }
}

#[test]
fn an_app_is_an_origin_and_extensions_are_read_over() {
    let mut passkey = Passkey::new(Key::es256());
    let mut said = creation();
    said.origin.clone_from(&party().origins[1]);
    said.flags |= EXTENSIONS;
    said.tail = Cbor::Map(vec![(Cbor::Text("credProtect"), Cbor::Int(2))]).encoded();
    said.more =
        r#","other_keys_can_be_added_here":"do not compare","crossOrigin":false"#.to_owned();
    assert!(made(passkey.create(&said)).is_ok());
}

/// A change of what is said, and what it is called.
type Change = (&'static str, fn(&mut Said));

const BAD: [Change; 17] = [
    ("type", |s| s.kind = "webauthn.other"),
    ("the other type", |s| {
        s.kind = match s.kind {
            "webauthn.get" => "webauthn.create",
            _ => "webauthn.get",
        }
    }),
    ("challenge", |s| s.challenge = b64(&[8; 32])),
    ("no challenge", |s| s.challenge = String::new()),
    ("padded challenge", |s| s.challenge.push('=')),
    ("origin", |s| s.origin = "https://evil.example".to_owned()),
    ("origin below", |s| {
        s.origin = "https://a.shop.example".to_owned()
    }),
    ("origin, plain", |s| {
        s.origin = "http://shop.example".to_owned()
    }),
    ("origin, port", |s| {
        s.origin = "https://shop.example:8443".to_owned()
    }),
    ("origin, longer", |s| {
        s.origin = "https://shop.example.evil".to_owned()
    }),
    ("framed", |s| s.more = r#","crossOrigin":true"#.to_owned()),
    ("framed by", |s| {
        s.more = r#","topOrigin":"https://evil.example""#.to_owned();
    }),
    ("twice", |s| {
        s.more = r#","origin":"https://evil.example""#.to_owned()
    }),
    ("party", |s| s.party = "evil.example".to_owned()),
    ("nobody present", |s| s.flags &= !PRESENT),
    ("backed up, not eligible", |s| {
        s.flags = (s.flags | BACKED_UP) & !ELIGIBLE;
    }),
    ("more than its end", |s| s.tail = vec![0]),
];

#[test]
fn what_breaks_a_check_is_refused() {
    let mut passkey = Passkey::new(Key::es256());
    let good = made(passkey.create(&creation())).unwrap();
    let ineligible = Made {
        backup_eligible: false,
        ..good.clone()
    };
    for (name, change) in BAD {
        let (mut create, mut get) = (creation(), request());
        change(&mut create);
        change(&mut get);
        assert!(made(passkey.create(&create)).is_err(), "{name}");
        assert!(shown(&good, passkey.get(&get), true).is_err(), "{name}");
        assert!(
            shown(&ineligible, passkey.get(&get), true).is_err(),
            "{name}"
        );
    }
    assert!(shown(&good, passkey.get(&request()), true).is_ok());
    // Eligibility never changes, in either direction.
    let mut said = request();
    said.flags &= !(ELIGIBLE | BACKED_UP);
    assert!(shown(&good, passkey.get(&said), true).is_err());
    assert!(shown(&ineligible, passkey.get(&said), true).is_ok());
    assert!(shown(&ineligible, passkey.get(&request()), true).is_err());
}

#[test]
fn verification_is_demanded_where_it_is_needed() {
    let mut passkey = Passkey::new(Key::es256());
    let made = made(passkey.create(&creation())).unwrap();
    let mut said = request();
    said.flags &= !VERIFIED;
    let credential = passkey.get(&said);
    assert!(shown(&made, credential.clone(), true).is_err());
    assert!(!shown(&made, credential, false).unwrap().user_verified);
}

#[test]
fn a_counter_grows_or_is_not_kept() {
    let mut passkey = Passkey::new(Key::es256());
    let zero = made(passkey.create(&creation())).unwrap();
    let five = Made {
        sign_count: 5,
        ..zero.clone()
    };
    for (kept, count, good) in [
        (&zero, 0, true),
        (&zero, 1, true),
        (&five, 6, true),
        (&five, u32::MAX, true),
        (&five, 5, false),
        (&five, 4, false),
        (&five, 0, false),
    ] {
        passkey.count = count;
        let is_good = shown(kept, passkey.get(&request()), true).is_ok();
        assert_eq!(is_good, good, "{} {count}", kept.sign_count);
    }
}

#[test]
fn a_signature_covers_both_parts() {
    let mut passkey = Passkey::new(Key::es256());
    let made = made(passkey.create(&creation())).unwrap();
    let good = passkey.get(&request());
    let mut other = request();
    other.more = r#","crossOrigin":false,"more":1"#.to_owned();
    other.flags |= EXTENSIONS;
    other.tail = Cbor::Map(Vec::new()).encoded();
    let strange = passkey.get(&other);
    assert!(shown(&made, strange.clone(), true).is_ok());
    for part in ["clientDataJSON", "authenticatorData", "signature"] {
        let mut mixed = good.clone();
        mixed["response"][part] = strange["response"][part].clone();
        assert!(shown(&made, mixed, true).is_err(), "{part}");
        let mut empty = good.clone();
        empty["response"][part] = json!(b64(&[0]));
        assert!(shown(&made, empty, true).is_err(), "{part}");
    }
}

#[test]
fn keys_that_were_not_asked_for_are_refused() {
    let int = |a: i64, b: i64| (Cbor::Int(a), Cbor::Int(b));
    let bytes = |a: i64, b: &[u8]| (Cbor::Int(a), Cbor::Bytes(b.to_vec()));
    let good = Key::es256().cose();
    let with = |label: i64, value: Cbor| {
        let mut key = good.clone();
        for (name, old) in &mut key {
            if matches!(name, Cbor::Int(n) if *n == label) {
                *old = value.clone();
            }
        }
        Cbor::Map(key).encoded()
    };
    let mut twice = good.clone();
    twice.push(int(3, -7));
    let mut long = Cbor::Map(good.clone()).encoded();
    long.push(0);
    let bad = [
        with(3, Cbor::Int(-35)),
        with(3, Cbor::Int(-8)),
        with(3, Cbor::Int(-65_535)),
        with(1, Cbor::Int(1)),
        with(-1, Cbor::Int(2)),
        with(-2, Cbor::Bytes(vec![1; 32])),
        with(-3, Cbor::Bytes(vec![1; 31])),
        with(-3, Cbor::Int(1)),
        with(-2, Cbor::Bytes(Vec::new())),
        Cbor::Map(twice).encoded(),
        Cbor::Map(vec![int(1, 1), int(3, -8), int(-1, 6), bytes(-2, &[1; 31])]).encoded(),
        Cbor::Map(vec![
            int(1, 3),
            int(3, -257),
            bytes(-1, &[9; 128]),
            bytes(-2, &[1, 0, 1]),
        ])
        .encoded(),
        Cbor::Map(vec![
            int(1, 3),
            int(3, -257),
            bytes(-1, &[9; 256]),
            bytes(-2, &[1]),
        ])
        .encoded(),
        Cbor::Map(vec![
            int(1, 3),
            int(3, -257),
            bytes(-1, &[9; 256]),
            bytes(-2, &[2]),
        ])
        .encoded(),
        Cbor::Map(vec![
            int(1, 3),
            int(3, -257),
            bytes(-1, &[]),
            bytes(-2, &[]),
        ])
        .encoded(),
        Cbor::Map(Vec::new()).encoded(),
        Cbor::Bytes(vec![1]).encoded(),
        // Of unknown length, cut off, deep, and claiming more than there is.
        vec![0xbf, 0x01, 0x02, 0xff],
        vec![0xa1, 0x01],
        vec![0x81; 5_000],
        vec![0xbb, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
        vec![0x5b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
        long,
        Vec::new(),
    ];
    for (n, key) in bad.iter().enumerate() {
        let mut passkey = Passkey::new(Key::es256());
        let credential = passkey.create_with(&creation(), key);
        assert!(made(credential).is_err(), "{n}");
    }
    let mut passkey = Passkey::new(Key::es256());
    let credential = passkey.create_with(&creation(), &Cbor::Map(good.clone()).encoded());
    assert!(made(credential).is_ok());
}

#[test]
fn a_credential_has_the_id_that_it_says() {
    let mut passkey = Passkey::new(Key::es256());
    let mut other = passkey.create(&creation());
    for name in ["id", "rawId"] {
        other[name] = json!(b64(&[1; 32]));
    }
    assert!(made(other).is_err());
    passkey.id = vec![1; 1_023];
    assert!(made(passkey.create(&creation())).is_ok());
    passkey.id = vec![1; 1_024];
    assert!(made(passkey.create(&creation())).is_err());
    // No credential was made at all: an answer to the other question.
    let mut object = passkey.create(&creation());
    let flags = Cbor::Map(vec![(
        Cbor::Text("authData"),
        Cbor::Bytes([&[0; 32][..], &[PRESENT], &[0; 4]].concat()),
    )]);
    object["response"]["attestationObject"] = json!(b64(&flags.encoded()));
    assert!(made(object).is_err());
}

#[test]
fn whatever_is_sent_is_answered() {
    let mut passkey = Passkey::new(Key::es256());
    let good = passkey.create(&creation());
    let object = good["response"]["attestationObject"].as_str().unwrap();
    let whole = URL_SAFE_NO_PAD.decode(object).unwrap();
    for end in 0..whole.len() {
        let mut cut = good.clone();
        cut["response"]["attestationObject"] = json!(b64(&whole[..end]));
        assert!(made(cut).is_err(), "{end}");
    }
    for at in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 0xff;
        let mut bent = good.clone();
        bent["response"]["attestationObject"] = json!(b64(&bytes));
        // Some bits, such as those of the model's number, carry nothing; none may panic.
        let _ = made(bent);
    }
    for bad in [
        json!(null),
        json!("x"),
        json!({}),
        json!({"id": "a b", "type": "public-key", "response": {}}),
    ] {
        assert!(made(bad).is_err());
    }
}
