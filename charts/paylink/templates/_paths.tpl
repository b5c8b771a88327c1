{{- /* The public paths of the webhook server. Exact means this path alone, and Prefix all paths below it too. */}}
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
