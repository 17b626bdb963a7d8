//! The section `[files]` of the configuration: how large uploads may be and how slow.

use std::time::Duration;

/// Settings of files, the same for every project.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize, serde::Serialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct FilesConfig {
    /// Bytes of one file at most, whatever its bucket allows: 1 to 1099511627776.
    pub upload_bytes_max: u64,
    /// An upload that sends less than 1 KB for each of so many seconds is ended: 1 to 600.
    pub upload_stall_seconds: u64,
}

impl Default for FilesConfig {
    fn default() -> Self {
        Self {
            upload_bytes_max: 5 * 1_073_741_824,
            upload_stall_seconds: 10,
        }
    }
}

impl FilesConfig {
    /// Every setting that is out of range, as a sentence.
    pub fn validate(&self) -> Result<(), Vec<String>> {
        let ranges = [
            ("upload_bytes_max", self.upload_bytes_max, 1_099_511_627_776),
            ("upload_stall_seconds", self.upload_stall_seconds, 600),
        ];
        let fault = |(name, value, max): (&str, u64, u64)| {
            let ok = (1..=max).contains(&value);
            (!ok).then(|| format!("files.{name} is {value}; it must be from 1 to {max}"))
        };
        let faults: Vec<String> = ranges.into_iter().filter_map(fault).collect();
        if faults.is_empty() {
            Ok(())
        } else {
            Err(faults)
        }
    }

    pub(crate) fn stall(&self) -> Duration {
        Duration::from_secs(self.upload_stall_seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::FilesConfig;

    #[test]
    fn every_setting_out_of_range_is_named() {
        assert_eq!(FilesConfig::default().validate(), Ok(()));
        let bad = FilesConfig {
            upload_bytes_max: 0,
            upload_stall_seconds: 601,
        };
        assert_eq!(bad.validate().map_err(|faults| faults.len()), Err(2));
    }
}
