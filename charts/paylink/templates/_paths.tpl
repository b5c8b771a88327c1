{{- /* What the internet may ask of the webhook server: each path, and whether it is that path alone or all below it. */}}
{{- define "paylink.paths" -}}
- {path: /api/webhooks/stripe, type: Exact}
{{- if .Values.webhookserver.checkout.enabled }}
- {path: /api/orders, type: Prefix}
- {path: /buy, type: Prefix}
{{- else if .Values.webhookserver.returnPage.enabled }}
- {path: /api/orders/capture, type: Exact}
{{- end }}
{{- if .Values.webhookserver.returnPage.enabled }}
- {path: /dashboard/billing, type: Prefix}
{{- end }}
{{- end }}
