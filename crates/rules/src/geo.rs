//! Places on the earth: the halves of a point, and what is a point at all.

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

/// One coordinate of a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Half {
    Lat,
    Lon,
}

impl Half {
    /// The greatest value in degrees; the least is its negative.
    pub fn limit(self) -> i32 {
        match self {
            Self::Lat => 90,
            Self::Lon => 180,
        }
    }

    /// Whether a number is such a coordinate.
    pub fn takes(self, degrees: f64) -> bool {
        degrees.abs() <= f64::from(self.limit())
    }

    /// What it adds to the name of a point's column.
    pub fn suffix(self) -> &'static str {
        match self {
            Self::Lat => "_lat",
            Self::Lon => "_lon",
        }
    }

    /// This half of a point on the wire; none if either half is no coordinate.
    pub fn of(self, json: &Json) -> Option<f64> {
        let half = |half: Self, name| json.get(name)?.as_f64().filter(|n| half.takes(*n));
        let (lat, lon) = (half(Self::Lat, "lat")?, half(Self::Lon, "lon")?);
        Some(if self == Self::Lat { lat } else { lon })
    }
}
