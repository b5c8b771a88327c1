package chart

// Matrix are values by what they are for. Every template is rendered by some of them.
func Matrix() map[string]string {
	return map[string]string{
		"as it comes": "",
		"two namespaces": `
watchNamespaces: [shop, other-shop]
controller: {stripeKey: {secretName: paylink-stripe}}
`,
		"its own namespace": `
watchNamespaces: [paylink-system, shop]
`,
		"webhooks alone": `
webhookserver: {checkout: {enabled: false}, returnPage: {enabled: false}}
metrics: {enabled: false}
rbac: {aggregateClusterRoles: false}
untrackedOrders: false
crds: {install: false}
ingress: {enabled: true, hosts: [hooks.example.com]}
controller: {replicas: 1, podDisruptionBudget: {enabled: false}}
`,
		"no checkout": `
webhookserver: {checkout: {enabled: false}, service: {type: LoadBalancer, annotations: {example.com/size: small}}}
metrics: {secure: false, serviceMonitor: {enabled: true}}
httpRoute: {enabled: true, parentRefs: [{name: public}]}
`,
		"everything": Everything,
		"rights from elsewhere": `
rbac: {create: false, aggregateClusterRoles: false}
controller: {serviceAccount: {create: false, name: the-controller}}
webhookserver: {serviceAccount: {create: false}}
nameOverride: sales
fullnameOverride: sales-of-my-company
`,
	}
}

// Everything turns everything on, and changes whatever can be changed.
const Everything = `
appURL: https://shop.example.com
webhookSecret: {name: signing}
stripe: {apiBase: https://stripe.example.com}
logLevel: debug
image: {repository: mirror.example.com/paylink, tag: 1.2.3, digest: "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", pullPolicy: Always}
imagePullSecrets: [{name: registry}]
commonLabels: {team: sales}
crds: {keep: false, annotations: {example.com/a: b}}
controller:
  replicas: 3
  stripeKey: {secretName: stripe-controller, key: api}
  stripeAPIRate: 2.5
  backfill: {period: 10m, grace: 2m}
  reconciliation: {period: 12h, days: 7, dryRun: true}
  webhookEndpoint: {period: 10m, manage: true}
  stripeEvents: {appliedTTL: 1h, parkedExpiry: 24h, unresolvedTTL: 240h}
  extraArgs: [--zap-devel]
  extraEnv: [{name: HTTPS_PROXY, value: "http://proxy.example.com:3128"}]
  extraVolumes: [{name: roots, configMap: {name: roots}}]
  extraVolumeMounts: [{name: roots, mountPath: /etc/roots, readOnly: true}]
  serviceAccount: {annotations: {example.com/role: books}}
  podDisruptionBudget: {maxUnavailable: 50%}
  resources: {requests: {cpu: 1, memory: 1Gi}, limits: {memory: 1Gi}}
  annotations: {example.com/owner: sales}
  podAnnotations: {example.com/restarted: "2"}
  podLabels: {tier: back}
  nodeSelector: {disk: ssd}
  tolerations: [{key: sales, operator: Exists}]
  affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchExpressions: [{key: arch, operator: Exists}]}]}}}
  topologySpreadConstraints: [{maxSkew: 2, topologyKey: rack, whenUnsatisfiable: ScheduleAnyway}]
  priorityClassName: system-cluster-critical
webhookserver:
  replicas: 4
  autoscaling: {enabled: true, minReplicas: 3, maxReplicas: 20, targetCPUUtilizationPercentage: 60}
  stripeKey: {secretName: stripe-webhookserver, key: api}
  checkout: {tokenAudiences: [paylink, shop], publicOrders: {perAddress: 3, perLink: 6000000, open: 1000000, expiry: 1h}}
  trustedProxies: [private, 203.0.113.0/24]
  requestsPerAddress: 1000000
  preStopSeconds: 30
  service: {type: NodePort, port: 8080, externalTrafficPolicy: Cluster, annotations: {example.com/a: b}}
  extraArgs: [--zap-devel]
  extraEnv: [{name: HTTPS_PROXY, value: "http://proxy.example.com:3128"}]
  extraVolumes: [{name: roots, configMap: {name: roots}}]
  extraVolumeMounts: [{name: roots, mountPath: /etc/roots, readOnly: true}]
  serviceAccount: {name: receiver, annotations: {example.com/role: hooks}}
  podDisruptionBudget: {maxUnavailable: 2}
  resources: {requests: {cpu: 1, memory: 1Gi}, limits: {memory: 1Gi}}
  annotations: {example.com/owner: sales}
  podAnnotations: {example.com/restarted: "2"}
  podLabels: {tier: front}
  nodeSelector: {disk: ssd}
  tolerations: [{key: sales, operator: Exists}]
  affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchExpressions: [{key: arch, operator: Exists}]}]}}}
  topologySpreadConstraints: [{maxSkew: 2, topologyKey: rack, whenUnsatisfiable: ScheduleAnyway}]
  priorityClassName: system-cluster-critical
podSecurityContext: {runAsUser: null, runAsGroup: null, fsGroup: null}
ingress:
  enabled: true
  className: public
  annotations: {example.com/body: unchanged}
  hosts: [shop.example.com, "*.example.org"]
  tls: [{hosts: [shop.example.com], secretName: shop-tls}]
httpRoute:
  enabled: true
  annotations: {example.com/a: b}
  parentRefs: [{name: public, namespace: gateways, sectionName: https}]
  hostnames: [shop.example.com]
networkPolicy:
  enabled: true
  webhooksFrom: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: ingress}}}]
  metricsFrom: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: monitoring}}}]
  egressPorts: [443]
  extraEgress: [{ports: [{port: 3128}]}]
metrics:
  serviceMonitor: {enabled: true, labels: {release: prometheus}, interval: 15s, scrapeTimeout: 5s, tokenSecret: {name: scraper, key: jwt}}
  prometheusRule: {enabled: true, labels: {release: prometheus}}
priorityAndFairness: {enabled: true, shares: 50}
test: {namespace: shop, timeout: 2m}
`
