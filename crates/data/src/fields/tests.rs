//! Values of every type in wire form.

use super::*;
use kernel::parse_id;

#[test]
fn values_have_the_wire_form_that_the_database_gives_them() {
    let id = parse_id("018F3C2A-7B1E-7C3D-9A4B-5C6D7E8F9A0B").unwrap();
    let stamp = Stamp::parse("0001-01-01T01:00:00+01:00").unwrap();
    let cases = [
        (Type::Email, Value::String(Some("ä".to_owned())), json!("ä")),
        (Type::Id, Value::BigInt(Some(-3)), json!(-3)),
        (Type::Id, Value::Double(Some(0.25)), json!(0.25)),
        (Type::Bool, Value::Bool(Some(true)), json!(true)),
        (
            Type::Id,
            Value::Uuid(Some(id)),
            json!("018f3c2a-7b1e-7c3d-9a4b-5c6d7e8f9a0b"),
        ),
        (
            Type::DateTime,
            Value::TimeDateTimeWithTimeZone(Some(stamp.time())),
            json!("0001-01-01T00:00:00.000000Z"),
        ),
        (Type::Id, Value::Double(None), Json::Null),
        (Type::Email, Value::String(None), Json::Null),
    ];
    for (kind, value, want) in cases {
        assert_eq!(kind.wire(&value), want);
    }
}
