//! Distances on the earth, by one formula for every evaluator of rules and for SQLite, which has none of its own.

/// The mean radius of the earth in metres (IUGG).
pub const EARTH_RADIUS_M: f64 = 6_371_008.8;

/// The distance of two points in metres by the haversine formula on a sphere, in whole millimetres; latitudes and
/// longitudes in degrees.
///
/// Coordinates are taken to the ninth digit (a tenth of a millimetre), so that no intermediate result is too small for a
/// double. PostgreSQL computes the same steps with the sine of its own C library, which may differ in the last bit: two
/// engines may disagree where a distance is within a nanometre of the middle of two millimetres.
#[must_use]
pub fn distance_m(a: (f64, f64), b: (f64, f64)) -> f64 {
    let degrees = |x: f64| (x * 1e9 + 0.5).floor() / 1e9;
    let ((lat_a, lon_a), (lat_b, lon_b)) =
        ((degrees(a.0), degrees(a.1)), (degrees(b.0), degrees(b.1)));
    let north = ((lat_b - lat_a).to_radians() / 2.0).sin();
    let east = ((lon_b - lon_a).to_radians() / 2.0).sin();
    let narrow = lat_a.to_radians().cos() * lat_b.to_radians().cos();
    let half = north * north + narrow * (east * east);
    let metres = 2.0 * EARTH_RADIUS_M * half.sqrt().min(1.0).asin();
    (metres * 1_000.0 + 0.5).floor() / 1_000.0
}

#[cfg(test)]
mod tests {
    use super::distance_m;

    #[test]
    fn distances_are_those_of_the_sphere() {
        let (berlin, paris) = ((52.52, 13.405), (48.8566, 2.3522));
        let cases = [
            (berlin, berlin, 0.0),
            (berlin, paris, 877_464.6),
            ((0.0, 0.0), (0.0, 180.0), 20_015_114.4),
            ((90.0, 0.0), (-90.0, 77.0), 20_015_114.4),
            ((0.0, 179.9), (0.0, -179.9), 22_239.0),
            ((90.0, 10.0), (90.0, -170.0), 0.0),
            ((0.0, 0.0), (0.0, 1e-5), 1.1),
            ((0.0, 5e-324), (0.0, 0.0), 0.0),
        ];
        for (a, b, metres) in cases {
            let found = distance_m(a, b);
            assert!((found - metres).abs() < 0.1, "{a:?} {b:?}: {found}");
            assert!((found - distance_m(b, a)).abs() < f64::EPSILON);
        }
    }
}
