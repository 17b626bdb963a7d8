//! The permissions of push: what anybody may read, what users may do with their devices, and who may send.

use gate::{Holders, InProject};

gate::permissions! {
    /// Reads what a page needs to subscribe: the public key and the scripts.
    PushOpen = "push.open", InProject, Holders::Everyone;
    /// Registers one's own device.
    DevicesRegister = "devices.register", InProject, Holders::Users;
    /// Reads devices: users their own, keys and operators all.
    DevicesRead = "devices.read", InProject, Holders::Users;
    /// Removes devices: users their own, keys and operators any.
    DevicesRemove = "devices.remove", InProject, Holders::Users;
    /// Sends and cancels messages.
    MessagesSend = "messages.send", InProject, Holders::Granted;
    /// Reads messages, what became of them, and the development inbox.
    MessagesRead = "messages.read", InProject, Holders::Granted;
}
