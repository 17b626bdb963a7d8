// Starts the app.

import "@mantine/core/styles.css";
import "@mantine/dates/styles.css";
import "@mantine/notifications/styles.css";
import "@mantine/spotlight/styles.css";
import "./ui/base.css";
import { MantineProvider } from "@mantine/core";
import { useMediaQuery } from "@mantine/hooks";
import { Notifications } from "@mantine/notifications";
import { QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { setNonce } from "get-nonce";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { router } from "./router";
import { client } from "./store";
import { ConfirmProvider } from "./ui/Confirm";
import { nonce } from "./ui/nonce";
import { theme, variables } from "./ui/theme";

// The scroll lock of dialogs injects its own style.
setNonce(nonce);

/** Where they hide no button: drawers are on the right, and on a phone the buttons are at the bottom. */
function Messages() {
	const isPhone = useMediaQuery("(max-width: 48em)");
	return <Notifications position={isPhone ? "top-center" : "bottom-left"} limit={4} />;
}

const place = document.getElementById("root");
if (place) {
	createRoot(place).render(
		<StrictMode>
			<MantineProvider
				theme={theme}
				cssVariablesResolver={variables}
				defaultColorScheme="auto"
				getStyleNonce={() => nonce}
			>
				<QueryClientProvider client={client}>
					<ConfirmProvider>
						<Messages />
						<RouterProvider router={router} />
					</ConfirmProvider>
				</QueryClientProvider>
			</MantineProvider>
		</StrictMode>,
	);
}
