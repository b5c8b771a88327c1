{{- /* The roles and bindings of a server: cluster-wide, or in the namespaces of watchNamespaces. */}}
{{- define "paylink.rights" }}
{{- $ := .context }}
{{- $server := .server }}
{{- $watched := ($.Values.watchNamespaces | default list) }}
{{- with ternary .cluster (concat .cluster .shop) (gt (len $watched) 0) }}
{{- include "paylink.role" (dict "context" $ "server" $server "kind" "ClusterRole" "rules" .) }}
{{- end }}
{{- $own := ternary (concat .own .shop) .own (has $.Release.Namespace $watched) }}
{{- include "paylink.role" (dict "context" $ "server" $server "kind" "Role" "namespace" $.Release.Namespace "rules" $own) }}
{{- $shop := .shop }}
{{- range without $watched $.Release.Namespace }}
{{- include "paylink.role" (dict "context" $ "server" $server "kind" "Role" "namespace" . "rules" $shop) }}
{{- end }}
{{- end }}

{{- /* One role of a server, with its binding. */}}
{{- define "paylink.role" }}
{{- $ := .context }}
{{- $name := printf "%s-%s" (include "paylink.fullname" $) .server }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ .kind }}
metadata:
  name: {{ $name }}
  {{- with .namespace }}
  namespace: {{ . }}
  {{- end }}
  labels:
    {{- include "paylink.serverLabels" (list $ .server) | nindent 4 }}
rules:
  {{- toYaml .rules | nindent 2 }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ .kind }}Binding
metadata:
  name: {{ $name }}
  {{- with .namespace }}
  namespace: {{ . }}
  {{- end }}
  labels:
    {{- include "paylink.serverLabels" (list $ .server) | nindent 4 }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: {{ .kind }}
  name: {{ $name }}
subjects:
  - kind: ServiceAccount
    name: {{ include "paylink.serviceAccount" (list $ .server) }}
    namespace: {{ $.Release.Namespace }}
{{- end }}
