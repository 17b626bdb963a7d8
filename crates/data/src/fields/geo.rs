//! The type `geo`: a place on the earth in degrees (WGS 84), `{"lat": 52.5, "lon": 13.4}`. It is kept in two columns,
//! `<name>_lat` and `<name>_lon`, because an index on both serves a search in a box, and in a distance.

use super::Fault;
use sea_orm::Value;
use serde_json::{Map, Value as Json, json};

/// The two columns' names.
pub(super) fn columns(name: &str) -> [String; 2] {
    [format!("{name}_lat"), format!("{name}_lon")]
}

/// The two columns' values.
pub(super) fn cells(value: &Value) -> [Value; 2] {
    let half = |name: &str| match value {
        Value::Json(Some(point)) => Value::Double(point.get(name).and_then(Json::as_f64)),
        _ => Value::Double(None),
    };
    [half("lat"), half("lon")]
}

/// What the columns, quoted, must keep: there is a whole point or none, and it is on the earth.
pub(super) fn check(columns: &[String]) -> String {
    match columns {
        [lat, lon] => format!(
            "({lat} IS NULL) = ({lon} IS NULL) AND {lat} BETWEEN -90 AND 90 AND {lon} BETWEEN -180 AND 180"
        ),
        _ => "1 = 1".to_owned(),
    }
}

pub(super) fn json(column: &str, sqlite: bool) -> String {
    let name = column.strip_suffix('"').unwrap_or(column);
    let [lat, lon] = columns(name).map(|half| format!("{half}\""));
    if sqlite {
        // Only outside of CASE the mark "this is JSON" is kept.
        format!(
            "json(CASE WHEN {lat} IS NOT NULL THEN json_object('lat', json(galley_float({lat})), 'lon', json(galley_float({lon}))) END)"
        )
    } else {
        format!(
            "CASE WHEN {lat} IS NOT NULL THEN (SELECT row_to_json(_p) FROM (SELECT {lat} AS \"lat\", {lon} AS \"lon\") AS _p) END"
        )
    }
}

pub(super) fn value(json: &Json) -> Result<Value, Fault> {
    let half = |name: &str, limit: f64| {
        let degrees = json.get(name)?.as_f64()?;
        // SQLite keeps no negative zero, and it equals zero anyhow.
        let degrees = if degrees == 0.0 { 0.0 } else { degrees };
        (degrees.abs() <= limit).then_some(degrees)
    };
    let two = json.as_object().is_some_and(|object| object.len() == 2);
    match (half("lat", 90.0), half("lon", 180.0)) {
        (Some(lat), Some(lon)) if two => {
            let point = json!({"lat": lat, "lon": lon});
            Ok(Value::Json(Some(Box::new(point))))
        }
        _ => Err((
            "not_a_point",
            "This must be an object of lat, from -90 to 90, and lon, from -180 to 180.".to_owned(),
        )),
    }
}

pub(super) fn schema() -> Json {
    let half = |limit: i32| json!({"type": "number", "format": "double", "minimum": -limit, "maximum": limit});
    let halves: Map<String, Json> = [("lat".to_owned(), half(90)), ("lon".to_owned(), half(180))]
        .into_iter()
        .collect();
    json!({"type": "object", "required": ["lat", "lon"], "additionalProperties": false, "properties": halves})
}
