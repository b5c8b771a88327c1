{{- define "paylink.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 40 | trimSuffix "-" }}
{{- end }}

{{- /* 40 characters leave room for the longest suffix, "-webhookserver-metrics". */}}
{{- define "paylink.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" }}
{{- else if contains (include "paylink.name" .) .Release.Name }}
{{- .Release.Name | trunc 40 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name (include "paylink.name" .) | trunc 40 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- /* Its argument is a list: the context and the name of a server. */}}
{{- define "paylink.selector" -}}
{{- $ := index . 0 -}}
app.kubernetes.io/name: {{ include "paylink.name" $ }}
app.kubernetes.io/instance: {{ $.Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end }}

{{- define "paylink.commonLabels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- /* The labels of objects that belong to no server. */}}
{{- define "paylink.labels" -}}
app.kubernetes.io/name: {{ include "paylink.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{ include "paylink.commonLabels" . }}
{{- end }}

{{- /* Its argument is a list: the context and the name of a server. */}}
{{- define "paylink.serverLabels" -}}
{{ include "paylink.selector" . }}
{{ include "paylink.commonLabels" (index . 0) }}
{{- end }}

{{- /* Its argument is a list: the context and the name of a server. */}}
{{- define "paylink.serviceAccount" -}}
{{- $ := index . 0 }}
{{- $account := (index $.Values (index . 1)).serviceAccount }}
{{- $account.name | default (ternary (printf "%s-%s" (include "paylink.fullname" $) (index . 1)) "default" $account.create) }}
{{- end }}

{{- define "paylink.image" -}}
{{- with .Values.image -}}
{{ .repository }}{{ if .digest }}@{{ .digest }}{{ else }}:{{ .tag | default $.Chart.AppVersion }}{{ end }}
{{- end }}
{{- end }}

{{- /* The common fields of both pods, before their containers. Its argument is a list: the context and the name of a server. */}}
{{- define "paylink.pod" -}}
{{- $ := index . 0 }}
{{- $selector := include "paylink.selector" . }}
{{- $account := include "paylink.serviceAccount" . }}
{{- with index $.Values (index . 1) }}
{{- with $.Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
serviceAccountName: {{ $account }}
automountServiceAccountToken: true
enableServiceLinks: false
securityContext:
  {{- toYaml $.Values.podSecurityContext | nindent 2 }}
{{- with .priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
topologySpreadConstraints:
{{- with .topologySpreadConstraints }}
  {{- toYaml . | nindent 2 }}
{{- else }}
{{- range list "kubernetes.io/hostname" "topology.kubernetes.io/zone" }}
  - maxSkew: 1
    topologyKey: {{ . }}
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        {{- $selector | nindent 8 }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{- /* The common flags of both servers. */}}
{{- define "paylink.args" -}}
{{- with .Values.watchNamespaces }}
- --watch-namespaces={{ join "," . }}
{{- end }}
- --metrics-bind-address={{ ternary ":8443" "0" .Values.metrics.enabled }}
- --metrics-secure={{ .Values.metrics.secure }}
- --zap-log-level={{ .Values.logLevel }}
{{- end }}

{{- /* The common environment of both servers. */}}
{{- define "paylink.env" -}}
- name: POD_NAMESPACE
  valueFrom:
    fieldRef:
      fieldPath: metadata.namespace
{{- with .Values.appURL }}
- name: NEXT_PUBLIC_APP_URL
  value: {{ . | quote }}
{{- end }}
{{- with .Values.stripe.apiBase }}
- name: STRIPE_API_BASE
  value: {{ . | quote }}
{{- end }}
{{- end }}

{{- /* The common probes of both servers. */}}
{{- define "paylink.probes" -}}
livenessProbe:
  httpGet:
    path: /healthz
    port: probes
readinessProbe:
  httpGet:
    path: /readyz
    port: probes
  periodSeconds: 5
{{- end }}

{{- /* The namespace of the order of helm test. */}}
{{- define "paylink.testNamespace" -}}
{{- .Values.test.namespace | default (first (.Values.watchNamespaces | default list)) | default .Release.Namespace }}
{{- end }}
