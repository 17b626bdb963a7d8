// The router's links in the clothes of the design.

import {
	Anchor,
	type AnchorProps,
	Button,
	type ButtonProps,
	NavLink,
	type NavLinkProps,
} from "@mantine/core";
import { createLink } from "@tanstack/react-router";
import type { AnchorHTMLAttributes, ReactNode, Ref } from "react";

type Html = Omit<AnchorHTMLAttributes<HTMLAnchorElement>, "color" | "style" | "children"> & {
	ref?: Ref<HTMLAnchorElement>;
};

function ButtonAnchor(props: ButtonProps & Html & { children?: ReactNode }) {
	return <Button component="a" {...props} />;
}

function TextAnchor(props: AnchorProps & Html & { children?: ReactNode }) {
	return <Anchor {...props} />;
}

function NavAnchor(props: Omit<NavLinkProps, "active"> & Html) {
	return <NavLink component="a" {...props} />;
}

export const LinkButton = createLink(ButtonAnchor);
export const LinkText = createLink(TextAnchor);
export const LinkNav = createLink(NavAnchor);
